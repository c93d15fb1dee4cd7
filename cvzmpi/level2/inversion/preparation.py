"""The preparation of programs whose Level 1 data are on this machine: all their maps."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.errors import MapFileError
from cvzmpi.ledger import Event, Job, LedgerUnit, Recorded, State
from cvzmpi.level2.inversion.inversion_unit import record_of
from cvzmpi.level2.inversion.recorded_maps import last_record
from cvzmpi.level2.maps.level1_places import datasets_with, iron_datasets, level1_place
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.preprocess import preprocess_dataset
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.isolation import program_failure
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.settings import InversionSettings, PreprocessSettings
from cvzmpi.level2.spectroscopy.line_table import lines_of
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, FE_I_630, Line
from cvzmpi.messages.wording import counted

STEP = "preprocess"

_LOGGER = logging.getLogger(__name__)


@dataclass
class PreparationReport:
    """The programs that are invertible and not reserved, by result."""

    prepared: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    # programs with some, but not all, of their Level 1 datasets here
    incomplete: list[str] = field(default_factory=list)
    n_maps: int = 0  # maps of the prepared programs

    def add(self, event: Event) -> None:
        """Count a program by the event of its preparation."""
        if event.to_state is State.ERROR:
            self.failed.append(event.unit)
            return
        self.prepared.append(event.unit)
        self.n_maps += len((event.detail or {})["maps"])

    def __str__(self) -> str:
        text = f"{len(self.prepared)} prepared, {len(self.failed)} failed"
        if self.n_maps > len(self.prepared):
            text += f"; {counted(self.n_maps, 'map')}"
        if self.incomplete:
            waiting = counted(
                len(self.incomplete), "waits for the rest of its", "wait for the rest of their"
            )
            text += f"; {waiting} Level 1 data"
        return text


def prepare_programs(
    catalogue: Catalogue,
    job: Job,
    level1: Path,
    output: Path,
    settings: PreprocessSettings,
    inversion: InversionSettings | None = None,
    calcium: bool = False,
) -> PreparationReport:
    """Prepare all programs that are invertible, not reserved, and here as a whole.

    A program that fails goes into error, and the others go on. One whose prepared maps are damaged
    or gone is prepared anew.

    Parameters
    ----------
    level1, output : Path
        Directories of all Level 1 data, and of the prepared maps.
    inversion : InversionSettings, optional
        Datasets with all of its lines are prepared.
    calcium : bool
        Whether datasets with Ca II 854.2 nm are prepared as well.

    Raises
    ------
    CvzmpiError
        If the machine, the installation, the ledger or the table of lines is at fault; then the
        program stays as it is.
    """
    lines = FE_I_630 if inversion is None else lines_of(inversion)
    report = PreparationReport()
    reserved = catalogue.reservations()
    for unit in _to_prepare(catalogue):
        program = catalogue.program(unit.name)
        if program is None or unit.name in reserved:
            continue
        found = {d.dataset_id: level1_place(level1, d) for d in _datasets(program, lines, calcium)}
        here = {name: directory for name, directory in found.items() if directory is not None}
        if here and len(here) == len(found):
            event = _prepare(unit, here, output, settings, lines)
            for recorded in catalogue.ledger.record([event], job, skip_stale=True):
                report.add(recorded)  # not if a scan reopened the program meanwhile
        elif here:
            report.incomplete.append(unit.name)
    return report


def _datasets(program: ObservingProgram, lines: Sequence[Line], calcium: bool) -> list[Dataset]:
    """The datasets to prepare; those of the inversion come first."""
    if tuple(lines) == FE_I_630:
        found = iron_datasets(program)
    else:
        found = datasets_with(program, [line.wavelength for line in lines])
    if calcium and found:  # without them, nothing of the program is for us
        of_calcium = datasets_with(program, [CA_II_854.wavelength])
        found += [dataset for dataset in of_calcium if dataset not in found]
    return found


def _to_prepare(catalogue: Catalogue) -> list[LedgerUnit]:
    """Invertible programs that are not prepared, or whose prepared maps are not as recorded."""
    ledger = catalogue.ledger
    return [
        unit
        for unit in ledger.units(states=[State.QUALIFIED, State.PREPROCESSED])
        if unit.state is State.QUALIFIED or not _as_recorded(ledger.history(unit.name))
    ]


def _as_recorded(history: list[Recorded]) -> bool:
    """Tell whether the prepared maps of a program are all there, and those of the record.

    After an inversion that failed, all of the profiles are compared with their checksum.
    """
    maps = last_record(history)
    if maps is None:  # prepared by a version that did not record all maps
        return False
    was_in_error = history[-1].from_state is State.ERROR
    try:
        for one in maps:
            prepared = PreparedMap.read(Path(one["prepared"]))
            if prepared.checksum != one["checksum"]:
                return False
            if was_in_error:
                prepared.verify()
    except MapFileError:
        return False
    return True


def _prepare(
    unit: LedgerUnit,
    datasets: Mapping[str, Path],
    output: Path,
    settings: PreprocessSettings,
    lines: Sequence[Line],
) -> Event:
    """Prepare all maps of a program; returns the event that says how it went."""
    maps = []
    for dataset_id, directory in datasets.items():
        try:
            prepared = preprocess_dataset(directory, output, settings, dataset_id, lines)
        except Exception as error:
            failure = program_failure(error, str(directory), _LOGGER)
            return failure_event(unit.name, unit.state, STEP, failure, level1=directory)
        maps += [(directory, one) for one in prepared]
    return Event(
        unit.name,
        State.PREPROCESSED,
        unit.state,
        message=None if len(maps) == 1 else f"{len(maps)} maps",
        detail={"step": STEP, "maps": record_of(maps)},
        progress=0,
        attempts_used=0,
    )
