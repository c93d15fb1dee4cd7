"""The campaign `cvz` as the engine sees it: its units are light curves."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.published_models import StellaModels
from cvzmpi.cvz.light_curves.light_curve_unit import LightCurvePaths
from cvzmpi.cvz.sector_file.data import Provenance
from cvzmpi.cvz.sector_file.paths import claim_path
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import MachineError, SectorFileError

if TYPE_CHECKING:
    from cvzmpi.cvz.work.stages import Tools
    from cvzmpi.mpi.team import Team
    from cvzmpi.scheduler.campaign import Unit, UnitSource
    from cvzmpi.scheduler.control import Control

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "celerite2", "mpi4py", "astropy")


class CvzCampaign:
    """Flare rates of stars in the TESS continuous viewing zone.

    Parameters
    ----------
    config : Config
    models : StellaModels
    ranks, nodes : int
        Of the job.
    """

    step_name = "injections"

    def __init__(
        self, config: Config, models: StellaModels, ranks: int = 1, nodes: int = 1
    ) -> None:
        self._config = config
        self._models = models
        self._ranks, self._nodes = ranks, nodes
        self._provenance = Provenance(
            config_json=config.science_json(),
            config_hash=config.science_hash(),
            seed=config.seed,
            models_checksum=models.checksum,
            software={name: version(name) for name in _SOFTWARE},
        )
        self._tools: Tools | None = None

    @classmethod
    def begin(cls, config: Config, ranks: int = 1, nodes: int = 1) -> CvzCampaign:
        """Read what all ranks need; on rank 0, which then gives it to the others.

        Raises
        ------
        ModelFileError
            If the networks are missing or wrong.
        """
        models = published_models.load(config.detector.file or published_models.default_file())
        return cls(config, models, ranks, nodes)

    def open_source(self) -> UnitSource:
        """Find the light curves, and begin to claim them.

        Raises
        ------
        ConfigError
            If the input is missing, the output directory cannot be written to, or outputs are there
            that another configuration made.
        LedgerError
            If the ledger cannot be opened.
        """
        from cvzmpi.cvz.work.open_source import LightCurveWork

        return LightCurveWork(self._config, self._provenance).open_source(self._ranks, self._nodes)

    def prepare(self) -> None:
        """Lay out the networks for this process."""
        from cvzmpi.cvz.detection.flare_mask import MaskRule
        from cvzmpi.cvz.detection.stella.network import Network
        from cvzmpi.cvz.injection.injection import DetectorMatrices
        from cvzmpi.cvz.work.stages import Tools

        detect = self._config.detect
        rule = MaskRule(detect.threshold, detect.min_cadences, detect.merge_gap)
        networks = [
            Network.from_keras(self._models.of_model(model)) for model in range(len(self._models))
        ]
        self._tools = Tools(
            config=self._config,
            detector=DetectorMatrices(networks, rule, self._config.inject.peak_tolerance),
            provenance=self._provenance,
        )

    def claim_file(self, unit: Unit) -> Path:
        """The claim is beside the sector file."""
        if not self._config.output.directory.is_dir():
            raise MachineError(f"{self._config.output.directory}: is gone while the job runs")
        return claim_path(unit.content.output)

    def progress(self, unit: Unit) -> int:
        """Stages and injections that are done."""
        try:
            progress = read_progress(unit.content.output)
        except SectorFileError:
            return 0
        return 0 if progress is None else progress.steps

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Bring a light curve to its last checkpoint."""
        from cvzmpi.cvz.work.stages import work_on_light_curve

        assert self._tools is not None, "prepare() comes first"
        paths: LightCurvePaths = unit.content
        return work_on_light_curve(self._tools, paths, team, control)
