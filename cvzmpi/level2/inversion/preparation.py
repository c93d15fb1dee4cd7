"""Programs whose Level 1 data are here are prepared for the inversion in bulk, all their maps."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, LedgerUnit, State
from cvzmpi.level2.inversion.prepared_program import last_record, record_of
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.spectral_lines import FE_I_630, SPECTRAL_RULES
from cvzmpi.level2.settings import PreprocessSettings

STEP = "preprocess"


@dataclass
class PreparationReport:
    """What became of the programs that are invertible and free.

    Parameters
    ----------
    prepared, failed : list of str
    incomplete : list of str
        Of which some Level 1 datasets are here, and others not.
    n_maps : int
        Of those that are prepared.
    """

    prepared: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    n_maps: int = 0

    def add(self, event: Event) -> None:
        """Count how the preparation of a program went."""
        if event.to_state is State.ERROR:
            self.failed.append(event.unit)
            return
        self.prepared.append(event.unit)
        self.n_maps += len((event.detail or {})["maps"])

    def __str__(self) -> str:
        text = f"{len(self.prepared)} prepared, {len(self.failed)} failed"
        if self.n_maps > len(self.prepared):
            text += f"; {self.n_maps} maps"
        if self.incomplete:
            text += f"; {len(self.incomplete)} wait for the rest of their Level 1 data"
        return text


def level1_directories(level1: Path, program: ObservingProgram) -> dict[str, Path | None]:
    """Where the Level 1 data of the iron lines of a program are, by dataset; None: not here.

    They may be in `<dataset>/` or in `<proposal>/<dataset>/`.
    """
    return {
        dataset.dataset_id: next(
            (
                directory
                for directory in (
                    level1 / dataset.dataset_id,
                    level1 / dataset.proposal / dataset.dataset_id,
                )
                if directory.is_dir()
            ),
            None,
        )
        for dataset in _with_iron(program)
    }


def _with_iron(program: ObservingProgram) -> list[Dataset]:
    covers = SPECTRAL_RULES["midpoint"].covers
    return [dataset for dataset in program.spectropolarimetric if covers(dataset, FE_I_630)]


def prepare_programs(
    catalogue: Catalogue, job: Job, level1: Path, output: Path, settings: PreprocessSettings
) -> PreparationReport:
    """Prepare all programs that are invertible, free, and here as a whole.

    Where one fails, it is in error, and the others go on.
    """
    report = PreparationReport()
    claimed = catalogue.reservations()
    for unit in _to_prepare(catalogue):
        program = catalogue.program(unit.name)
        if program is None or unit.name in claimed:
            continue
        found = level1_directories(level1, program)
        here = [directory for directory in found.values() if directory is not None]
        if here and len(here) == len(found):
            event = _prepare(unit, here, output, settings)
            for recorded in catalogue.ledger.record([event], job, skip_stale=True):
                report.add(recorded)  # what a scan reopened meanwhile is not prepared
        elif here:
            report.incomplete.append(unit.name)
    return report


def _to_prepare(catalogue: Catalogue) -> list[LedgerUnit]:
    """What is invertible; and what was prepared before events told of all maps."""
    ledger = catalogue.ledger
    return [
        unit
        for unit in ledger.units(states=[State.QUALIFIED, State.PREPROCESSED])
        if unit.state is State.QUALIFIED or last_record(ledger.history(unit.name)) is None
    ]


def _prepare(
    unit: LedgerUnit, datasets: list[Path], output: Path, settings: PreprocessSettings
) -> Event:
    """Prepare all maps of a program; the event that says how it went."""
    from cvzmpi.level2.maps.preprocess import preprocess_dataset

    maps = []
    for directory in datasets:
        try:
            prepared = preprocess_dataset(directory, output, settings)
        except CvzmpiError as error:
            detail = {"step": STEP, "level1": directory}
            return Event(
                unit.name,
                State.ERROR,
                unit.state,
                message=f"{STEP}: {error}",
                detail=detail,
            )
        maps += [(directory, one) for one in prepared]
    return Event(
        unit.name,
        State.PREPROCESSED,
        unit.state,
        message=None if len(maps) == 1 else f"{len(maps)} maps",
        detail={"step": STEP, "maps": record_of(maps)},
        progress=0,
        charged=0,
    )
