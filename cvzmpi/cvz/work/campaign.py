"""The campaign `cvz` as the engine sees it: its units are light curves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.detector import Detector
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.sector_file.data import Provenance
from cvzmpi.cvz.sector_file.paths import lock_path
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import MachineError, SectorFileError
from cvzmpi.software import installed_versions

if TYPE_CHECKING:
    from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
    from cvzmpi.cvz.work.search_setup import SearchSetup
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Control, Unit, UnitSource

OutcomeOf = Callable[[Path], dict[str, Any]]

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "celerite2", "mpi4py", "astropy")


class CvzCampaign:
    """Flare rates of stars in the TESS continuous viewing zone."""

    step_name = "injection"

    def __init__(
        self,
        config: Config,
        detector: Detector,
        ranks: int = 1,
        nodes: int = 1,
        outcome_of: OutcomeOf | None = None,
    ) -> None:
        self._outcome_of = outcome_of
        self._config = config
        self._detector = detector
        self._ranks, self._nodes = ranks, nodes
        self._provenance = Provenance(
            config_json=config.science_json(),
            config_hash=config.science_hash(),
            seed=config.seed,
            models_checksum=detector.checksum,
            software=installed_versions(*_SOFTWARE),
        )
        self._setup: SearchSetup | None = None

    @classmethod
    def begin(
        cls, config: Config, ranks: int = 1, nodes: int = 1, outcome_of: OutcomeOf | None = None
    ) -> CvzCampaign:
        """Read what all ranks need; on rank 0, which then gives it to the others.

        Parameters
        ----------
        outcome_of : callable, optional
            Gives the figures of a sector file that is done, for the history of its light curve.
            Must pickle.

        Raises
        ------
        ModelFileError
            If the networks are missing or wrong.
        """
        models = published_models.load(config.detector.file or published_models.packed_file())
        return cls(config, StellaDetector(models), ranks, nodes, outcome_of)

    def open_source(self) -> UnitSource:
        """Find the light curves, and begin to claim them.

        Raises
        ------
        ConfigError
            If the input is missing, the output directory cannot be written to, or outputs are there
            that another configuration made.
        LedgerUnavailableError
            If the ledger's database is away for longer than `ledger.patience`.
        LedgerError
            If the ledger cannot be opened.
        ArchiveError
            If the archive does not answer, and nothing is known to work on.
        """
        # Rank 0 alone needs the ledger, whose modules would slow the start of the other ranks.
        from cvzmpi.cvz.work.open_source import LightCurveWork

        return LightCurveWork(self._config, self._provenance).open_source(self._ranks, self._nodes)

    def prepare(self) -> None:
        """Prepare the detector for this process."""
        # The scheduler of a larger job, which works on no light curve, does not load the stages.
        from cvzmpi.cvz.work.search_setup import SearchSetup

        self._detector.prepare()
        self._setup = SearchSetup(
            config=self._config,
            detector=self._detector,
            rule=MaskRule.of(self._config.detect),
            provenance=self._provenance,
        )

    @property
    def setup(self) -> SearchSetup:
        """Everything that the stages need besides a light curve, once it is prepared."""
        assert self._setup is not None, "prepare() comes first"
        return self._setup

    def lock_file(self, unit: Unit) -> Path:
        """The lock is beside the sector file."""
        if not self._config.output.directory.is_dir():
            raise MachineError(f"{self._config.output.directory}: is gone while the job runs")
        return lock_path(self._path(unit))

    def progress(self, unit: Unit) -> int:
        """Stages and injections that are done."""
        try:
            progress = read_progress(self._path(unit))
        except SectorFileError:
            return 0
        return 0 if progress is None else progress.steps

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Bring a light curve to its last checkpoint."""
        from cvzmpi.cvz.work.stages import work_on_light_curve

        result = work_on_light_curve(self.setup, unit.content, team, control)
        return team.lead(lambda: self._with_outcome(result, self._path(unit)))

    def _with_outcome(self, result: dict[str, Any], path: Path) -> dict[str, Any]:
        """Add the figures of the sector file to what is told of the work on it."""
        if self._outcome_of is None:
            return result
        try:
            return result | {"outcome": self._outcome_of(path)}
        except SectorFileError as error:  # what could not be read is done all the same
            notes = [result["note"]] if "note" in result else []
            return result | {"note": "; ".join([*notes, f"not summed up: {error}"])}

    def _path(self, unit: Unit) -> Path:
        source: LightCurveSource = unit.content
        return source.id.path(self._config.output.directory)
