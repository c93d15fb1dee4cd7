"""The sector files of a campaign: which there are, and how far each is."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, identity_by_unit
from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.paths import claim_path, sector_files, sector_path
from cvzmpi.cvz.sector_file.reading import read_progress_by_name
from cvzmpi.errors import LightCurveError, SectorFileError
from cvzmpi.ledger.client.takeover import Evidence


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

    def progress(self, source: LightCurveSource) -> SectorProgress | None:
        """How far a light curve is; one whose file cannot be read has not begun."""
        try:
            return read_progress_by_name(self.path(source.name))
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
    found = identity_by_unit(unit)
    if found is None:
        raise LightCurveError(f"{unit}: not the name of a light curve; expected TIC_SECTOR")
    return found


def is_light_curve(unit: str) -> bool:
    """Whether a unit is named as a light curve is; others are stars without one, or bad files."""
    return identity_by_unit(unit) is not None
