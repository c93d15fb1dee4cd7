"""The three FITS files of a DeSIRe inversion, as the science team hands them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.messages.foreign_json import plain

ATMOSPHERE = "inv_res_mod.fits"
FIT = "inv_res_pre.fits"
OBSERVED = "per_ori.fits"

NAMES = (ATMOSPHERE, FIT, OBSERVED)


@dataclass(frozen=True)
class DesireFiles:
    """The files of one inversion."""

    atmosphere: Path  # the atmosphere, which depends on depth
    fit: Path  # the fitted profiles
    observed: Path  # the profiles that were fitted

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """The atmosphere, the fitted and the observed profiles."""
        return self.atmosphere, self.fit, self.observed

    @classmethod
    def find(cls, paths: Sequence[Path]) -> DesireFiles | None:
        """Find the three files among paths; a directory stands for the files in it.

        Returns
        -------
        DesireFiles or None
            None if none of the three is there.

        Raises
        ------
        ProductError
            If only some of the three are there, one is there twice, or there are other files.
        """
        found: dict[str, Path] = {}
        others: list[Path] = []
        for path in paths:
            for file in _files_in(path):
                if file.name not in NAMES:
                    others.append(file)
                elif found.setdefault(file.name, file) != file:
                    raise ProductError(f"{_shown(file)}: {_shown(found[file.name])} is one as well")
        if not found:
            return None
        there = next(iter(found.values()))
        if missing := [name for name in NAMES if name not in found]:
            raise ProductError(
                f"{_shown(there.parent)}: there is no {' and no '.join(missing)}, which belong to "
                f"{there.name}"
            )
        if others:
            raise ProductError(f"{_shown(others[0])}: expected {', '.join(NAMES)} and no more")
        return cls(*(found[name] for name in NAMES))


def _files_in(path: Path) -> list[Path]:
    """The path itself or, of a directory, those of the three files that are in it."""
    try:
        if path.is_dir():
            return [path / name for name in NAMES if (path / name).exists()]
    except OSError as error:
        raise ProductError(f"{_shown(path)}: cannot be read: {error.strerror}") from error
    return [path]


def _shown(path: Path) -> str:
    return plain(str(path), 500)
