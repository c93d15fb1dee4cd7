"""The files of an inversion, made or as they were handed in, and checked before they leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.level2.handing_in.hand_in import TEAM
from cvzmpi.level2.maps.level1_places import level1_here
from cvzmpi.level2.product.check import check_product, checksum
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.level2.programs.inversions import Inversion
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.settings import DisambiguationChoice


@dataclass(frozen=True)
class StagedFiles:
    """A Level 2 product on this machine, ready to be transferred."""

    checksums: dict[Path, str]  # SHA-256 of each file; the FITS files come first
    dataset_ids: list[str]  # the datasets that were inverted, the canonical one first
    lines: list[str]  # keys of `KNOWN_LINES`

    @property
    def files(self) -> list[Path]:
        """The files; the FITS files come first."""
        return list(self.checksums)

    @property
    def asdf(self) -> Path:
        """The ASDF file."""
        (asdf,) = (file for file in self.checksums if file.suffix == ".asdf")
        return asdf


def stage(
    inversion: Inversion,
    program: ObservingProgram,
    staging: Path,
    level1: Path,
    disambiguation: DisambiguationChoice = "none",
) -> StagedFiles:
    """Make the files of an inversion, or take the product that was handed in; and check them.

    Repeated, it makes the same files; those that are there and whole stay.

    Parameters
    ----------
    staging : Path
        Directory in which the directory of the files is made.
    level1 : Path
        Directory of the Level 1 datasets that are here.
    disambiguation : str
        The method that resolves the ambiguity of the azimuth of a map that was inverted here.

    Raises
    ------
    CvzmpiError
        If the files cannot be made, or are not as they were handed in.
    """
    detail = inversion.detail
    if inversion.method == TEAM:
        _expect_unchanged(detail["checksums"])
        if detail.get("kind") != "desire":
            checksums = {Path(file): known for file, known in detail["checksums"].items()}
            return StagedFiles(checksums, detail["dataset_ids"], detail["lines"])
    directory = staging / inversion.inversion_id
    if inversion.method == TEAM:
        _write_desire(inversion, level1_here(level1, program), directory)
    else:
        _write_map(inversion, directory, disambiguation)
    product = check_product([directory])
    checksums = {Path(file): known for file, known in product.checksums.items()}
    return StagedFiles(checksums, product.dataset_ids, product.lines)


def _expect_unchanged(checksums: Mapping[str, str]) -> None:
    for file, expected in checksums.items():
        if checksum(Path(file)) != expected:
            raise ProductError(f"{file}: not as it was when it was handed in")


# NumPy, HDF5 and dkist are slow to load, and the service needs them for such results alone.


def _write_desire(inversion: Inversion, level1: Mapping[str, Path], directory: Path) -> None:
    """Make the files of a DeSIRe inversion."""
    from cvzmpi.level2.desire.files import DesireFiles
    from cvzmpi.level2.desire.product import write

    detail = inversion.detail
    inverted = {name: level1[name] for name in detail["dataset_ids"] if name in level1}
    if missing := [name for name in detail["dataset_ids"] if name not in level1]:
        raise ProductError(f"{missing[0]}: its Level 1 data are not here any more")
    files = DesireFiles.find([Path(file) for file in detail["checksums"]])
    if files is None:
        raise ProductError(f"{inversion.inversion_id}: none of DeSIRe's files was handed in")
    write(files, inverted, directory, inversion.inversion_id, inversion.at, detail.get("commit"))


def _write_map(inversion: Inversion, directory: Path, disambiguation: DisambiguationChoice) -> None:
    """Make the files of a map that was inverted here."""
    from cvzmpi.level2.maps.prepared_map import PreparedMap
    from cvzmpi.level2.product.level2_product import write_product

    write_product(
        Path(inversion.detail["level1"]),
        PreparedMap.read(Path(inversion.detail["prepared"])),
        Path(inversion.detail["inverted"]),
        directory,
        inversion.inversion_id,
        inversion.at,
        disambiguation,
    )
