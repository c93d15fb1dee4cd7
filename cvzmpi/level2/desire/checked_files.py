"""The files of a DeSIRe inversion that passed the check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckedFiles:
    """Files of a DeSIRe inversion that passed the check."""

    checksums: dict[str, str]  # SHA-256 of each file, by its path
    shape: list[int]  # scan positions, and pixels along the slit
    lines: list[str]  # spectral lines, as `FeI630`, in the order of the files
    quantities: list[str]  # names of the quantities, as in `dkist.Inversion`
    canonical_dataset: str  # the Level 1 dataset that gives place and time
    dataset_ids: list[str]  # the Level 1 datasets that were inverted, the canonical one first
    # by the name of a file, the number of its values that are not finite; files without any absent
    not_finite: dict[str, int]
