"""The light curves of a job, which rank 0 finds and brings into the ledger, and their source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, Rejected
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import Provenance, SectorProgress
from cvzmpi.cvz.sector_file.reading import read_progress_by_name
from cvzmpi.cvz.work.batch_list import read_batch, read_priorities, select_targets
from cvzmpi.cvz.work.inventory import CampaignFiles, Inventory, tell_choices
from cvzmpi.cvz.work.known_files import KnownFiles, read_known
from cvzmpi.cvz.work.one_product import with_begun
from cvzmpi.cvz.work.starting_point import check_resume
from cvzmpi.errors import ConfigError, SectorFileError
from cvzmpi.ledger import Ledger, LedgerUnit, State
from cvzmpi.ledger.states import FINISHED
from cvzmpi.runtime.ledger_source import LedgerSource
from cvzmpi.runtime.open_job import OpenJob, open_job
from cvzmpi.scheduler.campaign import Unit, UnitSource
from cvzmpi.storage.file_lock import why_no_locks


class LightCurveWork:
    """Finds the light curves of a campaign."""

    def __init__(self, config: Config, provenance: Provenance) -> None:
        self._config = config
        self._provenance = provenance
        self._files = CampaignFiles(config.output.directory)
        self._products = ChosenProducts.of(config)

    def open_source(self, ranks: int, nodes: int) -> UnitSource:
        """Bring the light curves into the ledger, and begin to claim them: see `CvzCampaign`."""

        def look(ledger: Ledger) -> Callable[[OpenJob], UnitSource]:
            if self._config.archive.targets is not None:
                known = ledger.units()
                self._check_configuration(known)
                return lambda opened: self._of_archive(opened, known, ranks)
            known, files = read_known(ledger)
            self._check_configuration(known)
            return lambda opened: self._of_directory(opened, known, files, ranks)

        return open_job(self._config, "run", ranks, nodes, look, check=self._check_directories)

    def _check_directories(self) -> None:
        directory = self._config.input.directory
        from_archive = self._config.archive.targets is not None
        if not from_archive and not directory.is_dir() and not self._files.present:
            raise ConfigError(f"{directory}: no such input directory")
        _check_writable(self._config.output.directory)

    def _of_directory(
        self, opened: OpenJob, known: list[LedgerUnit], files: KnownFiles, ranks: int
    ) -> UnitSource:
        """The light curves of the input directory."""
        sources, rejected = self._find(files)
        tell_choices(sources, known)
        inventory = self._inventory(opened)
        inventory.take(sources, rejected)
        inventory.close_impossible(known)
        inventory.close_others(sources, self._products, known)
        inventory.settle(sources, rejected, all_here=self._config.input.targets is None)
        by_name = {source.id.name: replace(source, files=()) for source in sources}  # in memory
        names = [*by_name, *(item.name for item in rejected)]

        def as_unit(unit: LedgerUnit) -> Unit:
            source = by_name.get(unit.name) or LightCurveSource(LightCurveId.of_unit(unit.name))
            return self._unit(unit, source)

        return self._claimed(opened, ranks, (State.PREPROCESSED,), as_unit, names)

    def _of_archive(self, opened: OpenJob, known: list[LedgerUnit], ranks: int) -> UnitSource:
        """The light curves of the list of targets, which are downloaded while the job runs."""
        from cvzmpi.cvz.archive.job_archive import JobArchive  # only such a job needs HTTP

        archive = JobArchive(self._config, opened.ledger, opened.job, self._files.present)
        inventory = self._inventory(opened)
        inventory.take(list(map(LightCurveSource, self._files.present)), [])
        inventory.try_again()
        inventory.close_impossible(known)
        batch = self._config.input.targets

        def as_unit(unit: LedgerUnit) -> Unit:
            source = LightCurveSource(
                LightCurveId.of_unit(unit.name), product=Product.of_facts(unit.facts)
            )
            return self._unit(unit, source)

        names = None
        if batch is not None:
            named = read_batch(batch, self._known(opened), self._products)
            names = [light_curve.name for light_curve in named]
        claimed = self._claimed(opened, ranks, archive.claimable, as_unit, names)
        return archive.stage(claimed, known)

    def _claimed(
        self,
        opened: OpenJob,
        ranks: int,
        states: Sequence[State],
        as_unit: Callable[[LedgerUnit], Unit],
        names: Sequence[str] | None,
    ) -> LedgerSource:
        """The source of units that this job claims; of these names only, where they are given."""
        targets, inject = self._config.input.targets, self._config.inject
        if targets is not None:
            priorities = read_priorities(targets, self._known(opened), self._products)
            opened.ledger.set_priorities(priorities)
        return opened.source(
            as_unit,
            self._files.evidence,
            ranks,
            inject.n_inject * inject.n_repeat,
            states=states,
            batch=names,
        )

    def _unit(self, unit: LedgerUnit, source: LightCurveSource) -> Unit:
        """The unit of a light curve, with what is left of it as far as the ledger knows."""
        inject = self._config.inject
        n_left = inject.n_inject - max(unit.progress - Stage.MODEL.n_before, 0)
        return Unit(
            unit.name,
            unit.cost,
            begun=unit.progress > 0,
            content=source,
            steps=n_left * inject.n_repeat,
            part=max(n_left / inject.n_inject, 0.02) if unit.progress else 1.0,
        )

    # ------------------------------------------------------------- what there is

    def _known(self, opened: OpenJob) -> list[LightCurveId]:
        """The light curves that are in the ledger now."""
        return list(filter(None, map(LightCurveId.parse, opened.ledger.names())))

    def _find(self, known: KnownFiles) -> tuple[list[LightCurveSource], list[Rejected]]:
        """The light curves of the campaign: those in the input directory, and those begun.

        What was begun needs its FITS file no more, and that may be gone.
        """
        directory = self._config.input.directory
        sources, rejected = (
            scan_directory(directory, known, self._products)
            if directory.is_dir() or not self._files.present
            else ([], [])
        )
        sources = with_begun(sources, self._files.present, self._products)
        if self._config.input.targets is not None:
            sources, rejected = select_targets(sources, self._config.input.targets, self._products)
        if not sources and not rejected:
            raise ConfigError(f"{directory}: no light curve of {self._products} in here")
        return sources, rejected

    def _inventory(self, opened: OpenJob) -> Inventory:
        return Inventory(
            config=self._config,
            ledger=opened.ledger,
            job=opened.job,
            present=self._files.present.keys(),
            look=lambda light_curve: self._progress(self._files.path(light_curve)),
        )

    def _check_configuration(self, known: list[LedgerUnit]) -> None:
        """Look into one sector file that the ledger knows; the others are like it."""
        for unit in known:
            light_curve = LightCurveId.parse(unit.name)
            if not (unit.progress or unit.state in FINISHED) or light_curve is None:
                continue
            path = self._files.present.get(light_curve)
            if path is not None and self._progress(path) is not None:
                return

    def _progress(self, path: Path) -> SectorProgress | None:
        """The progress of a light curve; None where its file is missing, damaged, or not ours."""
        try:
            progress = read_progress_by_name(path)
        except SectorFileError:
            return None  # its team says so: it sets a damaged file aside, and leaves others alone
        try:
            if progress is not None:
                check_resume(path, progress, self._provenance)
        except SectorFileError as error:
            raise ConfigError(str(error)) from error
        return progress


def _check_writable(directory: Path) -> None:
    """Find out before anything is computed."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        no_locks = why_no_locks(directory)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot write here: {error.strerror}") from error
    if no_locks is not None:
        raise ConfigError(
            f"{directory}: its file system cannot lock files ({no_locks}), which keeps jobs from "
            "working on the same light curve: use another output directory, or have it mounted "
            "with locks (Lustre: -o flock; NFS: with its lock service)"
        )
