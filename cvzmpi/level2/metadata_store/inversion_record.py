"""The record of a published inversion in the metadata store."""

from __future__ import annotations

from cvzmpi.level2.metadata_store.store_row import StoreRow


class InversionRecord(StoreRow):
    """The record of a published inversion."""

    inversion_id: str
    primary_proposal_id: str
    instrument_program_execution_id: str
    bucket: str
    asdf_object_key: str | None
    dataset_ids: list[str]
    spectral_lines: list[str]

    def differences(self, other: InversionRecord) -> list[str]:
        """The store's names of the fields in which another record differs.

        Datasets and lines are in no order, since the store need not keep any.
        """
        ours, theirs = self.model_dump(by_alias=True), other.model_dump(by_alias=True)
        return [name for name in ours if _sorted(ours[name]) != _sorted(theirs[name])]


def _sorted(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value
