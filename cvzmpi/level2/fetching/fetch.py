"""Fetch: bring the Level 1 data of the programs that can be inverted."""

from __future__ import annotations

import logging
import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from cvzmpi.errors import CvzmpiError
from cvzmpi.extras import require
from cvzmpi.ledger import Job
from cvzmpi.level2.fetching.dataset_fetch import DatasetFetch
from cvzmpi.level2.maps.level1_places import iron_datasets
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.isolation import program_failure
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.retry import failure_event
from cvzmpi.level2.programs.states import INVERTIBLE
from cvzmpi.level2.transfer_settings import Level1Config
from cvzmpi.level2.transfers.transfer import TaskState, TransferDriver
from cvzmpi.messages.wording import counted

STEP = "fetch"

_LOGGER = logging.getLogger(__name__)


class FetchError(CvzmpiError):
    """There is no such program to fetch the data of."""


@dataclass
class FetchReport:
    """The datasets of the programs, by result."""

    fetched: list[str] = field(default_factory=list)
    here: list[str] = field(default_factory=list)  # before, whole
    under_way: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # each with the reason
    failed: dict[str, str] = field(default_factory=dict)  # reasons, by program

    def __str__(self) -> str:
        parts = [
            f"{counted(len(self.fetched), 'dataset')} fetched",
            f"{len(self.here)} here already",
            f"{counted(len(self.failed), 'program')} failed",
        ]
        if self.under_way:
            parts.append(f"{len(self.under_way)} under way")
        if self.waiting:
            parts.append(counted(len(self.waiting), "waits", "wait"))
        return ", ".join(parts)

    @property
    def lines(self) -> list[str]:
        """What failed and what waits, each on a line."""
        return [*(f"{name}: {reason}" for name, reason in self.failed.items()), *self.waiting]


def fetch_programs(
    catalogue: Catalogue,
    job: Job,
    driver: TransferDriver,
    settings: Level1Config,
    programs: Sequence[str] = (),
    stop: Callable[[], bool] = lambda: False,
) -> FetchReport:
    """Bring the data of all programs that are invertible, reserved or not, or of some programs.

    A program whose data cannot be brought goes into error, and the others go on.

    Parameters
    ----------
    programs : sequence of str
        Only these, in whatever state. All their files are looked at, also those of datasets that
        were found whole before.
    stop : callable
        Asked again and again: True ends it. What a service does by itself goes on, and the next
        fetch takes it up.

    Raises
    ------
    CvzmpiError
        If the service, the machine, the installation or the ledger is at fault; then the programs
        stay as they are.
    """
    require("dkist")  # each dataset is looked into with it
    for name in programs:
        catalogue.state(name, FetchError)
    known = catalogue.programs()
    invertible = {unit.name for unit in catalogue.ledger.units(states=list(INVERTIBLE))}
    step = _FetchStep(catalogue, job, driver, settings, anew=bool(programs))
    for name in programs or sorted(invertible):
        if name in known:
            step.add(known[name])
    try:
        while step.go_on() and not stop():
            if step.is_waiting:
                time.sleep(driver.pause)
    finally:
        step.end()
    return step.report


@dataclass
class _Wanted:
    """A dataset that is to be here, for a program."""

    program: str
    fetch: DatasetFetch
    n_bytes: int = 0  # still to be brought when it was begun


class _FetchStep:
    """The datasets that are still to be fetched, and those under way."""

    def __init__(
        self,
        catalogue: Catalogue,
        job: Job,
        driver: TransferDriver,
        settings: Level1Config,
        *,
        anew: bool,  # also what was found whole before is looked at
    ) -> None:
        self.report = FetchReport()
        self._anew = anew
        self._catalogue = catalogue
        self._job = job
        self._driver = driver
        self._settings = settings
        self._queue: deque[_Wanted] = deque()
        self._under_way: list[_Wanted] = []

    @property
    def is_waiting(self) -> bool:
        """True if something is under way."""
        return bool(self._under_way)

    def add(self, program: ObservingProgram) -> None:
        """Add the datasets of a program."""
        every = self._settings.datasets == "all"
        for dataset in program.spectropolarimetric if every else iron_datasets(program):
            if dataset.bucket is None:
                self.report.waiting.append(f"{dataset.dataset_id}: its bucket is not known")
            else:
                self._add(program.name, dataset)

    def go_on(self) -> bool:
        """Begin what there is room for, and look after what is under way; False at the end."""
        n_begun = min(len(self._queue), self._settings.at_once - len(self._under_way))
        for _ in range(n_begun):
            if not self._queue:  # a program failed, and its other datasets are left
                break
            wanted = self._queue.popleft()
            try:
                self._isolated(wanted.program, wanted.fetch.name, partial(self._begin, wanted))
            finally:
                if wanted not in self._under_way:
                    wanted.fetch.release()
        for wanted in tuple(self._under_way):
            if wanted in self._under_way:  # not if its program failed meanwhile
                self._isolated(wanted.program, wanted.fetch.name, partial(self._look, wanted))
        return bool(self._queue or self._under_way)

    def end(self) -> None:
        """Let others have what is not done."""
        for wanted in self._under_way:
            wanted.fetch.release()
        self.report.under_way += [wanted.fetch.name for wanted in self._under_way]
        self.report.waiting += [f"{wanted.fetch.name}: not begun" for wanted in self._queue]

    def _add(self, program: str, dataset: Dataset) -> None:
        def add() -> None:
            fetch = DatasetFetch(self._driver, dataset, self._settings.directory)
            self._queue.append(_Wanted(program, fetch))

        self._isolated(program, dataset.dataset_id, add)

    def _begin(self, wanted: _Wanted) -> None:
        fetch = wanted.fetch
        if not fetch.take():
            self.report.under_way.append(fetch.name)  # by another process
        elif fetch.is_here(anew=self._anew):
            self.report.here.append(fetch.name)
        else:
            wanted.n_bytes = fetch.n_missing_bytes()
            free = self._free_bytes()
            if wanted.n_bytes <= free:
                self._under_way.append(wanted)
            else:
                self.report.waiting.append(
                    f"{fetch.name}: {wanted.n_bytes:,} bytes are to come, and "
                    f"{self._settings.directory} has room for {max(free, 0):,}"
                )

    def _free_bytes(self) -> int:
        """The room on the disk, without what those under way will take."""
        taken = sum(wanted.n_bytes - wanted.fetch.n_bytes_brought() for wanted in self._under_way)
        return shutil.disk_usage(self._settings.directory).free - taken

    def _look(self, wanted: _Wanted) -> None:
        if wanted.fetch.look().state is TaskState.SUCCEEDED:
            self.report.fetched.append(wanted.fetch.name)
            self._drop(wanted)

    def _isolated(self, program: str, dataset: str, act: Callable[[], None]) -> None:
        """Do something for a dataset; what goes wrong with it costs its program alone."""
        try:
            act()
        except Exception as error:
            failure = program_failure(error, f"{STEP} of {dataset}", _LOGGER)
            self._fail(program, dataset, failure)

    def _fail(self, program: str, dataset: str, failure: CvzmpiError) -> None:
        """Bring the program into error, and leave its other datasets."""
        self.report.failed[program] = str(failure)
        for wanted in tuple(self._under_way):
            if wanted.program == program:
                self._drop(wanted)
        self._queue = deque(wanted for wanted in self._queue if wanted.program != program)
        state = self._catalogue.state(program, FetchError)
        if state in INVERTIBLE:
            event = failure_event(program, state, STEP, failure, dataset=dataset)
            self._catalogue.ledger.record([event], self._job, skip_stale=True)

    def _drop(self, wanted: _Wanted) -> None:
        self._under_way.remove(wanted)
        wanted.fetch.release()
