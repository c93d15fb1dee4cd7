"""The check of a DeSIRe inversion, before it is accepted and before its product is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.level2.desire.files import DesireFiles


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


def check_files(files: DesireFiles, level1: Mapping[str, Path]) -> CheckedFiles:
    """Check the files, among each other and against Level 1; and take their checksums.

    Parameters
    ----------
    files : DesireFiles
    level1 : mapping of Path
        Directories of the program's Level 1 datasets that are here, by dataset id.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected, on one line.
    """
    raise NotImplementedError
