"""The campaign `cvz` as the engine sees it: its units are light curves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.config import Config
from cvzmpi.cvz import sector_file, stella_models
from cvzmpi.cvz.fits_input import LightCurveSource, Rejected, scan_directory, select_targets
from cvzmpi.cvz.sector_file import Progress, Provenance, sector_files, sector_path
from cvzmpi.cvz.stella_models import StellaModels
from cvzmpi.errors import ConfigError, DamagedFileError, SectorFileError

if TYPE_CHECKING:
    from cvzmpi.cvz.stages import Tools
    from cvzmpi.engine.campaign import Unit, UnitSource
    from cvzmpi.engine.control import Control
    from cvzmpi.engine.schedule import Workload
    from cvzmpi.engine.team import Team

_SOFTWARE = ("cvzmpi", "numpy", "scipy", "h5py", "celerite2", "mpi4py", "astropy")


@dataclass(frozen=True)
class _LightCurvePaths:
    """What the engine carries from rank 0 to the team."""

    source: Path | None
    output: Path


class CvzCampaign:
    """Flare rates of stars in the TESS continuous viewing zone.

    Parameters
    ----------
    config : Config
    models : StellaModels
    """

    step_name = "injections"

    def __init__(self, config: Config, models: StellaModels) -> None:
        self._config = config
        self._models = models
        self._provenance = Provenance(
            config_json=config.science_json(),
            config_hash=config.science_hash(),
            seed=config.seed,
            models_checksum=models.checksum,
            software={name: version(name) for name in _SOFTWARE},
        )
        self._tools: Tools | None = None

    @classmethod
    def begin(cls, config: Config) -> CvzCampaign:
        """Read what all ranks need; on rank 0, which then gives it to the others.

        Raises
        ------
        ModelFileError
            If the networks are missing or wrong.
        """
        return cls(config, stella_models.load(config.detector.file or stella_models.default_file()))

    def open_source(self) -> UnitSource:
        """Find the light curves; those half done come first.

        Raises
        ------
        ConfigError
            As for `find_work`.
        """
        from cvzmpi.engine.schedule import Schedule

        return Schedule(self.find_work())

    def find_work(self) -> Workload:
        """Find the light curves, and how far each is.

        Raises
        ------
        ConfigError
            If the input is missing, the output directory cannot be written to, or outputs are there
            that another configuration made.
        """
        from cvzmpi.engine.campaign import Outcome, Unit
        from cvzmpi.engine.schedule import Workload

        sources, rejected = self._sources()
        _check_writable(self._config.output.directory)
        units, n_done = [], 0
        for source in sources:
            output = sector_path(self._config.output.directory, source.tic, source.sector)
            progress = self._progress(output)
            if progress is not None and progress.done:
                n_done += 1
                continue
            units.append(
                Unit(
                    name=f"{source.tic}_{source.sector}",
                    cost=self._cost(source, progress),
                    begun=progress is not None,
                    content=_LightCurvePaths(source.path, output),
                )
            )
        return Workload(
            units=units,
            rejected=[Outcome(r.name, r.message) for r in rejected],
            n_done=n_done,
            steps_per_unit=self._config.inject.n_inject * self._config.inject.n_repeat,
        )

    def prepare(self) -> None:
        """Lay out the networks for this process."""
        import h5py

        from cvzmpi.cvz.flare_mask import MaskRule
        from cvzmpi.cvz.injection import DetectorMatrices
        from cvzmpi.cvz.network import Network
        from cvzmpi.cvz.stages import Tools

        detect = self._config.detect
        rule = MaskRule(detect.threshold, detect.min_cadences, detect.merge_gap)
        networks = [
            Network.from_keras(self._models.of_model(model)) for model in range(len(self._models))
        ]
        self._tools = Tools(
            config=self._config,
            detector=DetectorMatrices(networks, rule, self._config.inject.peak_tolerance),
            provenance=self._provenance,
            parallel_hdf5=bool(h5py.get_config().mpi),
        )

    def claim_file(self, unit: Unit) -> Path:
        """The claim is beside the sector file."""
        output: Path = unit.content.output
        return output.with_suffix(".claim")

    def progress(self, unit: Unit) -> int:
        """Stages and injections that are done."""
        try:
            progress = sector_file.read_progress(unit.content.output)
        except SectorFileError:
            return 0
        return 0 if progress is None else progress.steps

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Bring a light curve to its last checkpoint."""
        from cvzmpi.cvz.stages import work_on_light_curve

        assert self._tools is not None, "prepare() comes first"
        paths: _LightCurvePaths = unit.content
        return work_on_light_curve(self._tools, paths.source, paths.output, team, control)

    def _sources(self) -> tuple[list[LightCurveSource], list[Rejected]]:
        """The light curves of the campaign: those in the input directory, and those begun.

        What was begun needs its FITS file no more, and that may be gone.
        """
        directory = self._config.input.directory
        begun = sector_files(self._config.output.directory)
        sources, rejected = (
            scan_directory(directory) if directory.is_dir() or not begun else ([], [])
        )
        with_file = {(source.tic, source.sector) for source in sources}
        sources += [LightCurveSource(*key, None) for key in begun if key not in with_file]
        if self._config.input.targets is not None:
            sources, rejected = select_targets(sources, self._config.input.targets)
        if not sources and not rejected:
            raise ConfigError(f"{directory}: no SPOC light curve in here")
        return sources, rejected

    def _progress(self, output: Path) -> Progress | None:
        """How far a light curve is; one whose file is damaged has not begun."""
        from cvzmpi.cvz.stages import check_resume

        try:
            progress = sector_file.read_progress(output)
            if progress is not None:
                check_resume(output, progress, self._provenance)
        except DamagedFileError:
            return None  # its team sets it aside and says so
        except SectorFileError as error:
            raise ConfigError(str(error)) from error
        return progress

    def _cost(self, source: LightCurveSource, progress: Progress | None) -> float:
        """Expected work: injections that remain, and a little for the cadences."""
        remaining = self._config.inject.n_inject
        if progress is not None and progress.checkpoint == "model":
            remaining = progress.n_inject_remaining
        megabytes = source.path.stat().st_size / 1e6 if source.path is not None else 2.0
        return remaining * self._config.inject.n_repeat / 1000 + megabytes


def _check_writable(directory: Path) -> None:
    """Find out before anything is computed."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ConfigError(f"{directory}: cannot write here: {error.strerror}") from error
