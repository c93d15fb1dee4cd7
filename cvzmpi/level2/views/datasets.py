"""A dataset with all its versions."""

from __future__ import annotations

from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.programs.catalogue import Catalogue, DatasetVersion
from cvzmpi.messages.foreign_json import plain, why_not_text


class UnknownDatasetError(CvzmpiError):
    """There is no such dataset."""


def dataset_history(catalogue: Catalogue, dataset_id: str) -> list[DatasetVersion]:
    """All versions of a dataset, the oldest first.

    Raises
    ------
    UnknownDatasetError
    """
    known = why_not_text(dataset_id) is None  # else no database can be asked for it
    versions = catalogue.versions(dataset_id) if known else []
    if not versions:
        raise UnknownDatasetError(f"{plain(dataset_id, 200)}: no such dataset")
    return versions


def dataset_json(versions: list[DatasetVersion]) -> list[dict[str, Any]]:
    """The rows of the metadata store as plain values, with when each was first seen."""
    return [
        {"version": one.version, "program": one.program, "seen": one.seen.isoformat(), **one.row}
        for one in versions
    ]
