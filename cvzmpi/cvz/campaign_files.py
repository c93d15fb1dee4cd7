"""The sector files of a campaign: which there are, and how far each is."""

from __future__ import annotations

import re
from pathlib import Path

from cvzmpi.cvz import sector_file
from cvzmpi.cvz.light_curve_source import LightCurveSource, is_identity
from cvzmpi.cvz.sector_file import Progress, claim_path, sector_files, sector_path
from cvzmpi.errors import LightCurveError, SectorFileError
from cvzmpi.ledger.burial import Evidence

_NAME = re.compile("[0-9]{1,19}_[0-9]{1,9}")


class CampaignFiles:
    """The sector files in an output directory, as they were when this was made.

    Parameters
    ----------
    directory : Path

    Attributes
    ----------
    present : dict
        Path by (tic, sector).
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.present = sector_files(directory)

    def path(self, unit: str) -> Path:
        """Where the file of a unit is, or will be.

        Raises
        ------
        LightCurveError
            If it is not named as a light curve is.
        """
        return sector_path(self._directory, *identity(unit))

    @property
    def evidence(self) -> Evidence:
        """What the files tell of the units of jobs that died."""
        return Evidence(
            progress=lambda unit: self.steps(unit.name),
            was_begun=lambda unit: (
                is_light_curve(unit.name) and claim_path(self.path(unit.name)).exists()
            ),
        )

    def progress(self, source: LightCurveSource) -> Progress | None:
        """How far a light curve is; one whose file cannot be read has not begun."""
        try:
            return sector_file.read_progress_by_name(self.path(source.name))
        except SectorFileError:
            return None

    def steps(self, unit: str) -> int:
        """How far a unit is, as a number."""
        if not is_light_curve(unit):
            return 0
        progress = self.progress(LightCurveSource(*identity(unit), None))
        return 0 if progress is None else progress.steps


def identity(unit: str) -> tuple[int, int]:
    """The tic and the sector of a unit.

    Raises
    ------
    LightCurveError
        If it is not named as a light curve is.
    """
    if not is_light_curve(unit):
        raise LightCurveError(f"{unit}: not the name of a light curve; expected TIC_SECTOR")
    tic, _, sector = unit.partition("_")
    return int(tic), int(sector)


def is_light_curve(unit: str) -> bool:
    """Whether a unit is named as a light curve is; others are stars without one, or bad files."""
    return _NAME.fullmatch(unit) is not None and is_identity(*map(int, unit.split("_")))
