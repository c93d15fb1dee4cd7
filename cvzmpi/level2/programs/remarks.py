"""What people add to inversions that are there: notes, and withdrawals.

Both are only added to. A withdrawn inversion that is not published never is; one that is published
keeps its record and its files.
"""

from __future__ import annotations

import sqlalchemy as sa

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.person_name import PersonNameError, person_name
from cvzmpi.ledger.records import Recorded, now
from cvzmpi.ledger.states import RETRY_FROM
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, Note, Withdrawal
from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.tables import notes, withdrawals
from cvzmpi.messages.foreign_json import plain, shown, why_not_text
from cvzmpi.messages.wording import did_you_mean

STEP = "withdraw"

_LONGEST = 2000


class RemarkError(CvzmpiError):
    """A note cannot be written, or an inversion cannot be withdrawn."""


def add_note(catalogue: Catalogue, about: str, text: str, by: str) -> Note:
    """Write a note about an inversion, by its id, or about a program.

    Raises
    ------
    RemarkError
        If there is no such inversion or program, or the text or the name is not as it must be.
    """
    text, by = _remark(about, "note", text), _person(about, by)
    with catalogue.ledger.writing() as connection:
        inversion = _find_inversion(catalogue, connection, about)
        if inversion is not None:
            note = Note(inversion.program, inversion.inversion_id, text, by, now())
        else:
            catalogue.state(about, RemarkError, within=connection)
            note = Note(about, None, text, by, now())
        connection.execute(notes.insert().values(**vars(note)))
    return note


def withdraw(catalogue: Catalogue, job: Job, inversion_id: str, by: str, reason: str) -> Withdrawal:
    """Withdraw an inversion.

    The program stays in its state, with two exceptions. If this inversion is what could not be
    published, the program is no longer in error; and if nothing is left to publish of a program
    with a published inversion, it is published.

    Raises
    ------
    RemarkError
        If there is no such inversion, it is withdrawn already, a job is inverting the program, or
        the reason or the name is not as it must be.
    """
    reason, by = _remark(inversion_id, "reason", reason), _person(inversion_id, by)
    with catalogue.ledger.writing() as connection:
        inversion = _find_inversion(catalogue, connection, inversion_id)
        if inversion is None:
            known = [one.inversion_id for one in catalogue.inversions(within=connection)]
            raise RemarkError(
                f"{plain(inversion_id)}: no such inversion{did_you_mean(inversion_id, known)}"
            )
        earlier = catalogue.withdrawal(inversion_id, within=connection)
        if earlier is not None:
            raise RemarkError(f"{inversion_id}: {in_words(earlier)} already")
        program = inversion.program
        if catalogue.states(within=connection)[program] is State.WORKING:
            raise RemarkError(
                f"{inversion_id}: {program} is {SHOWN[State.WORKING]}; withdraw it when its job "
                "has ended"
            )
        withdrawal = Withdrawal(inversion_id, program, reason, by, now())
        connection.execute(withdrawals.insert().values(**vars(withdrawal)))
        left = bool(catalogue.to_publish(program, within=connection))
        published = bool(catalogue.published(program, within=connection))
        last = catalogue.ledger.history(program)[-1]
        events = _events(last, withdrawal, all_published=published and not left)
        catalogue.ledger.record(events, job, within=connection)
    return withdrawal


def in_words(withdrawal: Withdrawal) -> str:
    """A withdrawal on one line."""
    return (
        f"withdrawn by {withdrawal.withdrawn_by} at {withdrawal.at:%Y-%m-%d %H:%M} UTC: "
        f"{withdrawal.reason}"
    )


def _events(last: Recorded, withdrawal: Withdrawal, *, all_published: bool) -> list[Event]:
    """The events of a withdrawal, after the last one of the program.

    No event leads from error to error. A program that stays in error leaves it for the withdrawal,
    and then comes the same error once more, so that it is tried again from where it failed.
    """
    program, inversion_id = withdrawal.program, withdrawal.inversion_id
    message = f"{inversion_id} withdrawn by {withdrawal.withdrawn_by}: {withdrawal.reason}"
    detail = {"step": STEP, "withdrawn": inversion_id, "by": withdrawal.withdrawn_by}
    if last.to_state is not State.ERROR or last.from_state is None:
        state = last.to_state
        if state is State.DONE and all_published:
            state = State.PUBLISHED
        return [Event(program, state, last.to_state, message=message, detail=detail)]
    state = RETRY_FROM[last.from_state]
    events = [Event(program, state, State.ERROR, message=message, detail=detail)]
    if (last.detail or {}).get("inversion_id") != inversion_id:
        again = Event(program, State.ERROR, state, message=last.message, detail=last.detail)
        events.append(again)
    elif state is State.DONE and all_published:
        events.append(Event(program, State.PUBLISHED, state, message="nothing is left to publish"))
    return events


def _find_inversion(
    catalogue: Catalogue, connection: sa.Connection, inversion_id: str
) -> Inversion | None:
    """The inversion of an id, which may be any text."""
    if why_not_text(inversion_id) is not None:  # no database can be asked for it
        return None
    return catalogue.inversion(inversion_id, within=connection)


def _person(about: str, name: str) -> str:
    try:
        return person_name(name)
    except PersonNameError as error:
        raise RemarkError(f"{plain(about)}: by: {error}") from error


def _remark(about: str, what: str, text: str) -> str:
    """A text of some printable characters, with single spaces between its words."""
    if len(text) <= 2 * _LONGEST:
        spaced = " ".join(text.split())
        if 0 < len(spaced) <= _LONGEST and spaced.isprintable():
            return spaced
    raise RemarkError(
        f"{plain(about)}: {what}: expected 1 to {_LONGEST:,} printable characters, "
        f"not {shown(text)}"
    )
