"""The inventory: what lies in the input and the output directory, brought into the ledger.

It is taken whenever a job begins. Sector files are opened only where the ledger does not know their
light curve yet. So a campaign of many thousand begins quickly, and one whose ledger is lost, or
never was, gets it from its files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.configuration import Config, InjectConfig
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, Rejected
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.paths import lock_path, sector_files
from cvzmpi.cvz.sector_file.reading import read_progress_by_name
from cvzmpi.cvz.work.one_product import close_others, closed_for_another
from cvzmpi.errors import SectorFileError
from cvzmpi.ledger import Event, Job, Ledger, LedgerUnit, NewUnit, State
from cvzmpi.ledger.client.rules import Evidence
from cvzmpi.ledger.failures import failures
from cvzmpi.ledger.states import FINISHED
from cvzmpi.messages.wording import counted

_log = logging.getLogger(__name__)

_CHUNK = 2000
_LOST = "its sector file is gone"
_OTHERS_NAMED = 3
_CAN_FAIL = {State.DISCOVERED, State.QUALIFIED, State.PREPROCESSED}


class CampaignFiles:
    """The sector files in an output directory, as they were when this was made."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.present = sector_files(directory)  # path by light curve

    def path(self, light_curve: LightCurveId) -> Path:
        """Path of a sector file, there or not."""
        return light_curve.path(self._directory)

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


@dataclass(frozen=True)
class Inventory:
    """Brings what was found into the ledger."""

    config: Config
    ledger: Ledger
    job: Job  # who does it
    present: Collection[LightCurveId]  # the light curves that have a sector file
    # opens the sector file of a light curve: how far it is, None where it is damaged
    look: Callable[[LightCurveId], SectorProgress | None]

    def take(self, sources: Sequence[LightCurveSource], rejected: Sequence[Rejected]) -> None:
        """Bring in light curves that can be worked on, and what should be one and is not."""
        self.try_again({source.id.name for source in sources})
        for first in range(0, len(sources), _CHUNK):
            self._bring_in(sources[first : first + _CHUNK])
        self._reject(rejected)

    def try_again(self, names: Collection[str] | None = None) -> None:
        """Let units that failed, of these names or all, but not too often, be tried once more."""
        failed = [f for f in failures(self.ledger) if names is None or f.unit.name in names]
        most = self.config.job.max_attempts
        again = [
            failure.retried(f"attempt {failure.unit.attempts_used + 1} of {most}")
            for failure in failed
            if failure.unit.attempts_used < most
        ]
        self.ledger.record(again, self.job, skip_stale=True)

    def settle(
        self, sources: Sequence[LightCurveSource], rejected: Sequence[Rejected], *, all_here: bool
    ) -> None:
        """Close what was rejected once and is no more.

        Its file was repaired or taken away, or the row of a list, which was rejected as a sector or
        a star without light curve, has one of another product now.

        Parameters
        ----------
        all_here : bool
            Whether these are all of the campaign's, and not a batch of it.
        """
        still = {item.name for item in rejected}
        # names of rows as `select_targets` makes them
        found = {f"{source.id.tic}_{source.id.sector}" for source in sources}
        found |= {str(source.id.tic) for source in sources}
        gone = [
            (name, "has a light curve now" if name in found else "no longer in the input")
            for failure in failures(self.ledger)
            for name in [failure.unit.name]
            if failure.from_state is State.DISCOVERED and name not in still
            if all_here or name in found
        ]
        events = [
            event
            for name, message in gone
            for event in (
                Event(name, State.DISCOVERED, from_state=State.ERROR),
                Event(name, State.NOT_QUALIFIED, message=message),
            )
        ]
        self.ledger.record(events, self.job, skip_stale=True)

    def close_impossible(self, known: Sequence[LedgerUnit]) -> None:
        """Close those known units that wait for work under a name that no light curve can have."""
        waiting = {State.QUALIFIED, State.PREPROCESSED}
        message = "not a light curve: expected a TIC number and a sector"
        events = [
            Event(unit.name, State.NOT_QUALIFIED, from_state=unit.state, message=message)
            for unit in known
            if unit.state in waiting and LightCurveId.parse(unit.name) is None
        ]
        self.ledger.record(events, self.job, skip_stale=True)

    def close_others(
        self,
        sources: Sequence[LightCurveSource],
        products: ChosenProducts,
        known: Sequence[LedgerUnit],
    ) -> None:
        """Close those known units that wait or failed, while another product is searched now."""
        failed = failures(self.ledger)
        with self.ledger.writing() as connection:  # no job claims one meanwhile
            claimed = self.ledger.claims.names(within=connection)
            events = list(close_others(sources, products, known, failed, claimed))
            self.ledger.record(events, self.job, skip_stale=True, within=connection)

    def _bring_in(self, sources: Sequence[LightCurveSource]) -> None:
        known = {unit.name: unit for unit in self.ledger.units(names=[s.id.name for s in sources])}
        to_be_opened = {State.DISCOVERED, State.QUALIFIED}
        closed = {unit.name for unit in known.values() if unit.state is State.NOT_QUALIFIED}
        if closed:
            settled = {name for name in closed if _was_rejected(known[name])}
            closed &= closed_for_another(self.ledger) | settled
        found: list[NewUnit] = []
        happened: list[Event] = []
        for source in sources:
            unit = known.get(source.id.name)
            if unit is None or unit.state in to_be_opened or unit.name in closed:
                is_present = source.id in self.present
                progress = self.look(source.id) if is_present else None
                if unit is None:
                    cost = light_curve_cost(self.config.inject, source, progress)
                    found.append(NewUnit(source.id.name, cost, facts=_facts(source)))
                state = State.DISCOVERED if unit is None else unit.state
                happened += _on_its_way(source, state, progress)
            elif unit.state in FINISHED and source.id not in self.present:
                lost = Event(
                    unit.name, State.PREPROCESSED, unit.state, _LOST, progress=0, attempts_used=0
                )
                happened.append(lost)
        with self.ledger.writing() as connection:
            self.ledger.add_units(found, self.job, within=connection)
            self.ledger.record(happened, self.job, skip_stale=True, within=connection)

    def _reject(self, rejected: Sequence[Rejected]) -> None:
        known = {unit.name: unit for unit in self.ledger.units(names=[r.name for r in rejected])}
        settled = {name for name, unit in known.items() if _was_rejected(unit)}
        failed = [
            Event(item.name, State.ERROR, message=item.message)
            for item in rejected
            if not (unit := known.get(item.name)) or unit.state in _CAN_FAIL or unit.name in settled
        ]
        anew = [Event(name, State.DISCOVERED, State.NOT_QUALIFIED) for name in sorted(settled)]
        failed = [*anew, *self._for_another_reason(rejected), *failed]
        with self.ledger.writing() as connection:
            new = [NewUnit(item.name) for item in rejected]
            self.ledger.add_units(new, self.job, within=connection)
            self.ledger.record(failed, self.job, skip_stale=True, within=connection)

    def _for_another_reason(self, rejected: Sequence[Rejected]) -> Iterator[Event]:
        """Events for files that were rejected before and are now for another reason."""
        now = {item.name: item.message for item in rejected}
        for failure in failures(self.ledger):
            message = now.get(failure.unit.name, failure.message)
            if failure.from_state is State.DISCOVERED and message != failure.message:
                yield failure.retried("looked at again")
                yield Event(failure.unit.name, State.ERROR, State.DISCOVERED, message=message)


def _was_rejected(unit: LedgerUnit) -> bool:
    """True for what `Inventory.settle` closed: nothing is known of what was rejected."""
    return unit.state is State.NOT_QUALIFIED and not unit.facts


def tell_choices(sources: Iterable[LightCurveSource], known: Iterable[LedgerUnit]) -> None:
    """Name the files that are passed over: on the terminal once, when they are found.

    Those of other products, of which each star may have one, are counted there.

    Light curves that were begun with a file that is not the best any more, as `known` tells, are
    kept as they are.
    """
    units = {unit.name: unit for unit in known}
    outdated, of_products = [], []
    for source in sources:
        unit = units.get(source.id.name)
        level = logging.WARNING if unit is None else logging.INFO
        for other in source.others:
            _log.log(level, "%s: not used: %s", source.id.name, other)
        for other in source.other_products:  # of each star, where the input has several products
            _log.info("%s: not used: %s", source.id.name, other)
            of_products += [f"{source.id.name}: {other}"] if unit is None else []
        if unit is not None and (unit.progress or unit.state in FINISHED):
            outdated += [
                f"{source.id.name}, of {other.path}, has {source.path} now"
                for other in source.others
                if str(other.path) == unit.facts.get("file")
            ]
    if of_products:
        _log.warning(
            "not used: %s of other products, all in the log: %s%s",
            counted(len(of_products), "file"),
            of_products[0],
            "; ..." if len(of_products) > 1 else "",
        )
    if outdated:
        _log.warning(
            "%s begun with files that are not the best any more, and kept "
            "(remove a sector file to have it made anew): %s%s",
            counted(len(outdated), "light curve was", "light curves were"),
            outdated[0],
            "; ..." if len(outdated) > 1 else "",
        )


def light_curve_cost(
    inject: InjectConfig, source: LightCurveSource, progress: SectorProgress | None
) -> float:
    """Expected work: injections that remain, and a little for the cadences."""
    remaining = inject.n_inject
    if progress is not None and progress.checkpoint is Stage.MODEL:
        remaining = progress.n_inject_remaining
    status = source.file_status
    megabytes = 2.0 if status is None else status.st_size / 1e6
    return remaining * inject.n_repeat / 1000 + megabytes


def _facts(source: LightCurveSource) -> dict[str, object]:
    """Facts about a light curve for the ledger, so that its FITS files are opened only once."""
    facts: dict[str, object] = {"tic": source.id.tic, "sector": source.id.sector}
    status = source.file_status
    if status is not None:
        facts |= {"file": str(source.path), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    if source.files:
        facts["files"] = [file.as_fact() for file in source.files]
    return facts


def _on_its_way(
    source: LightCurveSource, state: State, progress: SectorProgress | None
) -> Iterator[Event]:
    """The events that bring a light curve from a state to where it is."""
    name = source.id.name
    here = "its FITS file is here" if source.path is not None else "its sector file is here"
    here = "; ".join([here, *(str(other) for other in source.passed_over[:_OTHERS_NAMED])])
    if state in {State.DISCOVERED, State.NOT_QUALIFIED}:
        yield Event(name, State.QUALIFIED, from_state=state, message="given as input")
    steps = 0 if progress is None else progress.steps
    yield Event(name, State.PREPROCESSED, State.QUALIFIED, here, progress=steps)
    if progress is not None and progress.done:
        yield Event(name, State.DONE, State.PREPROCESSED, "found done", attempts_used=0)
