"""The client of the metadata store: rows of datasets and experiments, and records of inversions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cvzmpi.level2.metadata_store.documents import (
    CREATE_INVERSION,
    DATASET_INVENTORIES,
    EXPERIMENT_DESCRIPTIONS,
    INVERSIONS,
)
from cvzmpi.level2.metadata_store.graphql_endpoint import (
    GraphQLEndpoint,
    MetadataStoreError,
    StoreUnavailableError,
)
from cvzmpi.level2.metadata_store.inversion_record import InversionRecord
from cvzmpi.messages.foreign_json import plain, shown

_MAX_ROWS = 1_000_000


class MetadataStore:
    """A metadata store.

    Parameters
    ----------
    url, token, timeout, **limits
        As those of `GraphQLEndpoint`.
    page_size : int
        Rows that are asked for at a time.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        timeout: float = 60.0,
        retries: int = 4,
        *,
        page_size: int = 500,
        **limits: Any,
    ) -> None:
        self._endpoint = GraphQLEndpoint(url, token, timeout, retries, **limits)
        self._page_size = page_size

    def dataset_inventories(
        self, dataset_ids: Sequence[str] = (), proposals: Sequence[str] = ()
    ) -> list[Any]:
        """The rows of all datasets, or of those with these ids and of these proposals."""
        wanted = {"datasetIds": list(dataset_ids), "primaryProposalIds": list(proposals)}
        chosen = {name: ids for name, ids in wanted.items() if ids}
        rows: list[Any] = []
        seen: set[str] = set()
        while len(rows) < _MAX_ROWS:
            place = {"pageSize": self._page_size, "pageNumber": len(rows) // self._page_size + 1}
            page = self._rows("datasetInventories", DATASET_INVENTORIES, {**chosen, **place})
            ids = {id_ for row in page if (id_ := _id(row)) is not None}
            if rows and not ids - seen:
                return rows  # a store that has no pages gives the first one again
            rows += page
            seen |= ids
            if len(page) != self._page_size:
                return rows
        raise MetadataStoreError(f"{self._endpoint.url}: more than {_MAX_ROWS:,} datasets")

    def experiment_descriptions(self) -> list[Any]:
        """The rows of all experiments."""
        return self._rows("experimentDescriptions", EXPERIMENT_DESCRIPTIONS)

    def inversion(self, inversion_id: str) -> InversionRecord | None:
        """The record of an inversion; None if there is none.

        Raises
        ------
        MetadataStoreError
            If the store gives no usable answer.
        """
        for row in self._rows("l2Inversions", INVERSIONS, {"inversionId": inversion_id}):
            if isinstance(row, dict) and row.get("inversionId") == inversion_id:
                try:
                    return InversionRecord.model_validate(row)
                except ValidationError as error:
                    first = error.errors()[0]
                    raise MetadataStoreError(
                        f"{self._endpoint.url}: the record of {inversion_id} cannot be read: "
                        f"{'.'.join(map(str, first['loc']))} = {shown(first['input'])}"
                    ) from error
        return None

    def register(self, record: InversionRecord) -> None:
        """Register a published inversion, unless the store has the same record already.

        Whatever it says to the registration, the store is asked what it has.

        Raises
        ------
        MetadataStoreError
            If it is not certain that it is registered, or another record has its id.
        """
        if self._has(record):
            return
        try:
            self._endpoint.ask(CREATE_INVERSION, {"record": record.model_dump(by_alias=True)})
        except MetadataStoreError as error:
            try:
                registered = self._has(record)
            except StoreUnavailableError:
                raise error from None
            if not registered:
                raise

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _has(self, record: InversionRecord) -> bool:
        """True if the store has this record, False if it has none of its id."""
        there = self.inversion(record.inversion_id)
        if there is None:
            return False
        differing = record.differences(there)
        if not differing:
            return True
        ours, theirs = record.model_dump(by_alias=True), there.model_dump(by_alias=True)
        pairs = (f"{n} is {shown(theirs[n], 200)}, not {shown(ours[n], 200)}" for n in differing)
        raise MetadataStoreError(
            f"{self._endpoint.url}: another record of {plain(record.inversion_id, 80)} is "
            f"registered: {'; '.join(pairs)}"
        )

    def _rows(
        self, root: str, document: str, filters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        data = self._endpoint.ask(document, {"filter": filters} if filters else {})
        rows = data.get(root)
        if not isinstance(rows, list):
            raise MetadataStoreError(
                f"{self._endpoint.url}: expected a list of {root}, got {shown(rows, 80)}"
            )
        return rows


def _id(row: Any) -> str | None:
    """The dataset that a row names, if it does."""
    name = row.get("datasetId") if isinstance(row, dict) else None
    return name if isinstance(name, str) else None
