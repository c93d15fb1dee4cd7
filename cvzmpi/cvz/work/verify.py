"""Compare the ledger with the files, and put it right: the files are the truth about themselves.

Every value of a file is compared with its checksum, so this takes time; a sample takes less.

The ledger is put right by adding events. One that is lost is made anew: what is in the input and
the output directory is found again, but not what failed, nor when anything happened.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, Rejected
from cvzmpi.cvz.sector_file.reading import read_progress_by_name, verify_sector_file
from cvzmpi.cvz.work.inventory import CampaignFiles, Inventory
from cvzmpi.cvz.work.one_product import with_begun
from cvzmpi.errors import DamagedFileError, SectorFileError, defect_line
from cvzmpi.ledger import Event, Job, Ledger, LedgerUnit, State
from cvzmpi.ledger.client.liveness import Liveness
from cvzmpi.ledger.client.takeover import take_over
from cvzmpi.ledger.states import FINISHED
from cvzmpi.messages.progress_bar import ProgressBar

_CHUNK = 500


@dataclass(frozen=True)
class Difference:
    """A contradiction between the ledger and a file."""

    unit: str
    what: str
    events: list[Event]  # put the ledger right; empty where that needs a person


@dataclass
class Verification:
    """The result of a comparison."""

    n_compared: int = 0  # units whose file was looked for
    n_added: int = 0  # units that the ledger did not know
    n_died: int = 0  # jobs that had died, and whose units are free now
    differences: list[Difference] = field(default_factory=list)
    n_repaired: int = 0  # differences that are none any more


class Verifier:
    """Compares a ledger with the files of its campaign, and puts it right if it is to `repair`."""

    def __init__(self, config: Config, ledger: Ledger, job: Job, repair: bool) -> None:
        self._config, self._ledger, self._job, self._repair = config, ledger, job, repair
        self._files = CampaignFiles(config.output.directory)

    def verify(self, sample: int | None = None, bar: ProgressBar | None = None) -> Verification:
        """Compare a random sample of so many units, or all and what the ledger does not know."""
        bar = bar or ProgressBar()
        result = Verification()
        if self._repair:
            result.n_died = self._take_over()
            if sample is None:
                result.n_added = self._add_unknown()
        units = [unit for unit in self._ledger.units() if LightCurveId.parse(unit.name)]
        if sample is not None:
            units = random.sample(units, min(sample, len(units)))
        for first in range(0, len(units), _CHUNK):
            self._compare(units[first : first + _CHUNK], result, bar)
            result.n_compared += len(units[first : first + _CHUNK])
        return result

    def _compare(self, units: list[LedgerUnit], result: Verification, bar: ProgressBar) -> None:
        found = []
        for number, unit in enumerate(units):
            bar.show("light curve", result.n_compared + number, more=" compared")
            if (difference := self._difference(unit)) is not None:
                found.append(difference)
        result.differences += found
        if self._repair:
            events = [event for difference in found for event in difference.events]
            recorded = {e.unit for e in self._ledger.record(events, self._job, skip_stale=True)}
            result.n_repaired += sum(difference.unit in recorded for difference in found)

    def _difference(self, unit: LedgerUnit) -> Difference | None:
        if unit.state in (State.WORKING, State.NOT_QUALIFIED):
            return None  # a team is at it; or nobody will be
        path = self._files.path(LightCurveId.of_unit(unit.name))
        try:
            progress = read_progress_by_name(path)
            if progress is not None:
                verify_sector_file(path)
        except DamagedFileError as error:
            return _not_finished(unit, 0, str(error))
        except SectorFileError as error:
            return Difference(unit.name, str(error), [])
        except Exception as error:  # whatever its content makes of our code, the others go on
            return Difference(unit.name, f"{path}: {defect_line(error)}", [])
        if progress is None:
            return _not_finished(unit, 0, f"{path}: its sector file is gone")
        if progress.done:
            return _finished(unit)
        what = f"{path}: half done, with {progress.steps} steps done"
        return _not_finished(unit, progress.steps, what)

    def _add_unknown(self) -> int:
        """Add the light curves that the ledger does not know."""
        known = set(self._ledger.names())
        sources, rejected = self._find()
        new = [source for source in sources if source.id.name not in known]
        Inventory(
            config=self._config,
            ledger=self._ledger,
            job=self._job,
            present=self._files.present.keys(),
            look=self._files.progress,
        ).take(new, [item for item in rejected if item.name not in known])
        return len(new)

    def _find(self) -> tuple[list[LightCurveSource], list[Rejected]]:
        directory = self._config.input.directory
        products = ChosenProducts.of(self._config)
        sources: list[LightCurveSource] = []
        rejected: list[Rejected] = []
        if directory.is_dir() and self._config.archive.targets is None:
            sources, rejected = scan_directory(directory, products=products)
        return with_begun(sources, self._files.present, products), rejected

    def _take_over(self) -> int:
        """Give back the units of jobs that are certainly dead; how many jobs."""
        liveness = Liveness(self._job, self._config.ledger.lease)
        others = self._ledger.claims.of_others(self._job)
        dead = [job for job, _ in others if liveness.is_dead(job)]
        for job in dead:
            take_over(
                self._ledger,
                job,
                self._job,
                self._config.outboxes(),
                self._files.evidence,
                self._config.job.max_attempts,
            )
        return len(dead)


def _finished(unit: LedgerUnit) -> Difference | None:
    """The file says that all is done."""
    if unit.state in FINISHED:
        return None
    way = [State.QUALIFIED] if unit.state is State.DISCOVERED else []
    events = _way(unit, [*way, State.DONE], "found done", attempts_used=0)
    return Difference(unit.name, f"is done, not {unit.state}", events)


def _not_finished(unit: LedgerUnit, steps: int, what: str) -> Difference | None:
    """The file says how much is done, and that it is not all."""
    if unit.state in FINISHED:
        events = _way(unit, [State.PREPROCESSED], what, progress=steps, attempts_used=0)
        return Difference(unit.name, f"{what}, and not {unit.state}", events)
    if unit.state is State.PREPROCESSED and unit.progress != steps:
        events = _way(unit, [State.PREPROCESSED], what, progress=steps)
        return Difference(unit.name, f"{what}, not {unit.progress} as supposed", events)
    return None


def _way(unit: LedgerUnit, states: Iterable[State], message: str, **facts: Any) -> list[Event]:
    """The events that lead from where a unit is through some states."""
    events, before = [], unit.state
    for state in states:
        events.append(Event(unit.name, state, from_state=before, message=message, **facts))
        before = state
    return events
