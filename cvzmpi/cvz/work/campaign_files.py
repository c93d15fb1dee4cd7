"""The sector files of a campaign: which there are, and how far each is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.paths import lock_path, sector_files
from cvzmpi.cvz.sector_file.reading import read_progress_by_name
from cvzmpi.errors import SectorFileError
from cvzmpi.ledger.client.rules import Evidence


class CampaignFiles:
    """The sector files in an output directory, as they were when this was made.

    Attributes
    ----------
    present : dict
        Path by light curve.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.present = sector_files(directory)

    def path(self, light_curve: LightCurveId) -> Path:
        """Path of a sector file, there or not."""
        return light_curve.path(self._directory)

    def without_input(self, sources: Iterable[LightCurveSource]) -> list[LightCurveSource]:
        """The light curves that have a sector file, and no FITS file among the sources."""
        with_file = {source.id for source in sources}
        return [LightCurveSource(found) for found in self.present if found not in with_file]

    @property
    def evidence(self) -> Evidence:
        """The evidence of the files about units of jobs that died."""
        return Evidence(
            progress=lambda unit: self.steps(unit.name),
            was_begun=lambda unit: self._was_begun(unit.name),
        )

    def progress(self, light_curve: LightCurveId) -> SectorProgress | None:
        """Progress of a light curve; None if its file cannot be read, too."""
        try:
            return read_progress_by_name(self.path(light_curve))
        except SectorFileError:
            return None

    def steps(self, unit: str) -> int:
        """Progress of a unit as a number; 0 for one that is no light curve."""
        light_curve = LightCurveId.parse(unit)
        progress = None if light_curve is None else self.progress(light_curve)
        return 0 if progress is None else progress.steps

    def _was_begun(self, unit: str) -> bool:
        light_curve = LightCurveId.parse(unit)
        return light_curve is not None and lock_path(self.path(light_curve)).exists()
