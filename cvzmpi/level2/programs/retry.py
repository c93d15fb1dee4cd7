"""Another try: of a step that failed, or, for a program that changed since, of everything."""

from __future__ import annotations

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.states import RETRY_FROM
from cvzmpi.level2.foreign_json import plain
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.states import INVERTED, SHOWN, stands


class RetryError(CvzmpiError):
    """There is nothing to try again."""


def resume_event(catalogue: Catalogue, program: str, message: str) -> Event | None:
    """The event by which a program in error goes on from where it failed; None where it is not."""
    last = catalogue.ledger.history(program)[-1]
    if last.to_state is not State.ERROR or last.from_state is None:
        return None
    return Event(program, RETRY_FROM[last.from_state], State.ERROR, message=message, charged=0)


def retry(catalogue: Catalogue, job: Job, program: str, by: str = "") -> State:
    """Let a program in error go on from where it failed; the state that it is in then.

    Parameters
    ----------
    by : str
        Who wants it, where that is known.

    Raises
    ------
    RetryError
        If it is not in error.
    """
    message = "to be tried again" + (f", says {by}" if by else "")
    states = catalogue.states()
    if program not in states:
        raise RetryError(f"{plain(program)}: no such Observing Program")
    event = resume_event(catalogue, program, message)
    if event is None:
        raise RetryError(f"{program}: is {SHOWN[states[program]]}, not in error")
    catalogue.ledger.record([event], job)
    return event.to_state


def reopen(catalogue: Catalogue, job: Job, program: str, by: str = "") -> None:
    """Look at an inverted program from the beginning; what was published stays.

    Parameters
    ----------
    by : str
        Who wants it, where that is known.

    Raises
    ------
    RetryError
        If it is not inverted.
    """
    states = catalogue.states()
    before = catalogue.ledger.states_before(State.ERROR).get(program)
    if program not in states or stands(states[program], before) not in INVERTED:
        raise RetryError(f"{plain(program)}: not inverted, so that there is nothing to reopen")
    message = "reopened" + (f" by {by}" if by else "")
    event = Event(program, State.DISCOVERED, states[program], message=message)
    catalogue.ledger.record([event], job)
