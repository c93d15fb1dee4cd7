"""Lists and descriptions of the programs, for the commands and for the pages of the service."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import LedgerUnit, Recorded, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.catalogue import Catalogue, DatasetVersion, Qualification
from cvzmpi.level2.programs.changed_data import changed_programs
from cvzmpi.level2.programs.inversions import Inversion, InversionView, Note
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.level2.programs.reservation import reserved_first
from cvzmpi.level2.programs.states import INVERTED, INVERTIBLE, SHOWN, stands
from cvzmpi.level2.views.inversions import inversion_json, note_json
from cvzmpi.messages.foreign_json import plain, why_not_text

_TIME = "%Y-%m-%d %H:%M"


class UnknownProgramError(CvzmpiError):
    """There is no such Observing Program."""


@dataclass(frozen=True)
class Item:
    """A program in a list."""

    name: str
    proposal: str
    experiment: str
    instruments: list[str]
    n_datasets: int  # the number of spectropolarimetric datasets
    start: datetime | None  # the beginning of the observation, if it is known
    state: str  # as named in `states.SHOWN`
    since: datetime
    claimed_by: str | None  # the person who has reserved it; the name is that of the JSON key
    failed: list[str]  # the required criteria that it does not meet
    buckets: list[str]  # of its datasets
    embargo: str  # of its spectropolarimetric datasets, as "until 2026-05-01"; "" without
    changed: bool  # whether datasets came or changed since the criteria were evaluated
    news: str  # the consequence of the change; "" if nothing changed

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        start = None if self.start is None else self.start.isoformat()
        return {**asdict(self), "start": start, "since": self.since.isoformat()}


@dataclass(frozen=True)
class DatasetView:
    """The newest version of a dataset, and whether another dataset has replaced it."""

    version: DatasetVersion
    superseded: bool
    superseded_by: str | None  # None also if the one that did cannot be told

    def as_json(self) -> dict[str, Any]:
        """The row of the metadata store, and what is known beside it."""
        version = self.version
        return {
            **{"version": version.version, "seen": version.seen.isoformat()},
            "superseded": self.superseded,
            "superseded_by": self.superseded_by,
            **version.row,
        }


@dataclass(frozen=True)
class ProgramView:
    """All that is known of a program."""

    item: Item
    description: str  # the observers' words about the experiment
    datasets: list[DatasetView]  # as they are now, those that others replace last
    # the criteria as they were evaluated last, as in `Invertibility.as_json`; may be empty
    criteria: list[dict[str, Any]]
    history: list[Recorded]  # all events, the oldest first
    inversions: list[InversionView]  # the oldest first
    notes: list[Note]  # about the program; those about an inversion are with it

    @property
    def in_error(self) -> bool:
        """True if a step failed."""
        return self.history[-1].to_state is State.ERROR

    @property
    def inverted(self) -> bool:
        """True if there is a result, so that the program can be reopened."""
        return stands(self.history[-1].to_state, self.history[-1].from_state) in INVERTED

    @property
    def reservable(self) -> bool:
        """True if the program can be reserved or released."""
        return self.history[-1].to_state in INVERTIBLE

    def superseded_of(self, inversion: Inversion) -> list[str]:
        """The datasets that an inversion was made of and that others have replaced since."""
        replaced = {one.version.dataset_id for one in self.datasets if one.superseded}
        return [name for name in inversion.datasets if name in replaced]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return {
            **self.item.as_json(),
            "description": self.description,
            "datasets": [dataset.as_json() for dataset in self.datasets],
            "criteria": self.criteria,
            "history": [_event_json(event) for event in self.history],
            "inversions": [
                {**inversion_json(made), "superseded_datasets": self.superseded_of(made.inversion)}
                for made in self.inversions
            ],
            "notes": [note_json(note) for note in self.notes],
        }


def list_items(
    catalogue: Catalogue,
    *,
    state: str | None = None,
    proposal: str | None = None,
    claimed_by: str | None = None,
    text: str | None = None,
) -> list[Item]:
    """The programs that match all that is given: those that are reserved come first, by person.

    Parameters
    ----------
    state : str, optional
        As named in `states.SHOWN`, in upper or lower case.
    text : str, optional
        A part of the name of the program, the proposal or the experiment.
    """
    items = _items(catalogue)
    wanted = {"state": state, "proposal": proposal, "claimed_by": claimed_by}
    for field, value in wanted.items():
        if value:
            items = [i for i in items if (getattr(i, field) or "").casefold() == value.casefold()]
    if text:
        part = text.casefold()
        items = [i for i in items if part in f"{i.name} {i.proposal} {i.experiment}".casefold()]
    return items


def _items(catalogue: Catalogue) -> list[Item]:
    programs = catalogue.programs()
    answers = catalogue.qualifications()
    holders = catalogue.reservations()
    units = reserved_first(catalogue.ledger.units(), holders)
    failed_in = catalogue.ledger.states_before(State.ERROR)
    changed = changed_programs(catalogue)
    return [
        _item(programs[unit.name], unit, failed_in.get(unit.name), holders, answers, changed)
        for unit in units
        if unit.name in programs
    ]


def _item(
    program: ObservingProgram,
    unit: LedgerUnit,
    failed_in: State | None,
    holders: dict[str, str],
    answers: dict[str, Qualification],
    changed_data: dict[str, str],
) -> Item:
    answer = answers.get(program.name)
    changed = program.name in changed_data
    return Item(
        name=program.name,
        proposal=program.proposal,
        experiment=program.experiment,
        instruments=program.instruments,
        n_datasets=len(program.spectropolarimetric),
        start=program.start,
        state=SHOWN[unit.state],
        since=unit.since,
        claimed_by=holders.get(program.name) if unit.state in INVERTIBLE else None,
        failed=[] if answer is None or changed else answer.failed,
        buckets=sorted({dataset.bucket for dataset in program.datasets if dataset.bucket}),
        embargo=program.embargo(now()),
        changed=changed,
        news=_news(program.name, stands(unit.state, failed_in)) if changed else "",
    )


def _news(program: str, stands_in: State | None) -> str:
    """The consequence of datasets that came or changed."""
    if stands_in in INVERTED:
        return f"new data since the inversion: cvzmpi level2 reopen {program}"
    if stands_in is State.WORKING:
        return "new data while it is inverted"
    return "new data: the criteria are evaluated anew"


def program_view(catalogue: Catalogue, name: str) -> ProgramView:
    """All that is known of a program.

    Raises
    ------
    UnknownProgramError
    """
    known = why_not_text(name) is None  # else no database can be asked for it
    program = catalogue.program(name) if known else None
    units = catalogue.ledger.units(names=[name]) if known else []
    if program is None or not units:
        meant = catalogue.ledger.meant(name) if known else ""
        raise UnknownProgramError(f"{plain(name)}: no such Observing Program{meant}")
    versions = catalogue.newest_versions(name)
    history = catalogue.ledger.history(name)
    item = _item(
        program,
        units[0],
        history[-1].from_state,
        catalogue.reservations(),
        catalogue.qualifications(),
        changed_programs(catalogue, name),
    )
    return ProgramView(
        item=item,
        description=catalogue.experiments().get(program.experiment, ""),
        datasets=_datasets(program, versions),
        criteria=_last_criteria(history),
        history=history,
        inversions=catalogue.inversion_views(name),
        notes=catalogue.notes(name),
    )


def _datasets(program: ObservingProgram, versions: dict[str, DatasetVersion]) -> list[DatasetView]:
    newest = {d.product_id: d.dataset_id for d in program.datasets if d.product_id is not None}
    return [
        *(DatasetView(versions[d.dataset_id], False, None) for d in program.datasets),
        *(
            DatasetView(versions[d.dataset_id], True, newest.get(d.product_id or ""))
            for d in program.superseded
        ),
    ]


def _last_criteria(history: list[Recorded]) -> list[dict[str, Any]]:
    details = (event.detail or {} for event in reversed(history))
    return next((detail["criteria"] for detail in details if "criteria" in detail), [])


def _event_json(event: Recorded) -> dict[str, Any]:
    return {
        "number": event.number,
        "from": event.from_state,
        "to": event.to_state,
        "at": event.at.isoformat(),
        "by": event.job.program,
        "host": event.job.host,
        "software": event.job.software,
        "message": event.message,
        "detail": event.detail,
    }
