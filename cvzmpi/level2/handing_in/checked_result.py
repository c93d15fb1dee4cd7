"""The check of files that are handed in: those of a Level 2 product, or of a DeSIRe inversion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cvzmpi.level2.desire.check import check_files
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.maps.level1_places import level1_here
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.programs.catalogue import Catalogue

PRODUCT = "product"
DESIRE = "desire"
"""The kinds of files; of DeSIRe's, the product is yet to be made."""


@dataclass(frozen=True)
class CheckedResult:
    """Files that passed the check."""

    inversion_id: str | None  # None if the files have none
    lines: list[str]  # the spectral lines
    checksums: dict[str, str]  # SHA-256 of each file, by its path
    detail: dict[str, Any]  # what is recorded of them


def check_result(catalogue: Catalogue, ready: ReadyEvent, level1: Path) -> CheckedResult:
    """Check the files, and that they are of the program.

    Parameters
    ----------
    level1 : Path
        Directory of the Level 1 data, which DeSIRe's files are compared with.

    Raises
    ------
    ProductError
    """
    desire = DesireFiles.find(ready.files)
    if desire is not None:
        files = check_files(desire, _level1_of(catalogue, ready.program, level1))
        detail = {"kind": DESIRE, **asdict(files), **ready.as_json()}
        return CheckedResult(None, files.lines, files.checksums, detail)
    product = check_product(ready.files)
    known = catalogue.newest_versions(ready.program)
    for dataset in product.dataset_ids:
        if dataset not in known:
            raise ProductError(
                f"{product.asdf}: datasetIds: {dataset} is no dataset of {ready.program}"
            )
    detail = {"kind": PRODUCT, **asdict(product), **ready.as_json()}
    return CheckedResult(product.inversion_id, product.lines, product.checksums, detail)


def same_files(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """True if two sets of checksums are of files with the same names and contents, anywhere."""
    return _by_name(one) == _by_name(other)


def _by_name(checksums: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(Path(path).name, checksum) for path, checksum in checksums.items()}


def _level1_of(catalogue: Catalogue, program: str, level1: Path) -> dict[str, Path]:
    """The directories of the program's datasets that are here; one must be."""
    observed = catalogue.program(program)
    if observed is None:
        raise ProductError(f"{program}: no dataset belongs to it any more")
    here = level1_here(level1, observed)
    if not here:
        names = ", ".join(dataset.dataset_id for dataset in observed.spectropolarimetric)
        raise ProductError(
            f"{level1}: none of the Level 1 datasets {names} is here, which DeSIRe's files are "
            "compared with"
        )
    return here
