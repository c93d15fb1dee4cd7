"""Programs in error, and another try: of the step that failed, or of everything."""

from __future__ import annotations

from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.states import RETRY_FROM
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.states import INVERTED, SHOWN, stands
from cvzmpi.messages.foreign_json import plain


class RetryError(CvzmpiError):
    """There is nothing to try again."""


def failure_event(
    program: str, before: State, step: str, reason: CvzmpiError | str, **detail: Any
) -> Event:
    """The event by which a step that failed brings a program from its state into error."""
    return Event(
        program, State.ERROR, before, message=f"{step}: {reason}", detail={"step": step, **detail}
    )


def resume_event(catalogue: Catalogue, program: str, message: str) -> Event | None:
    """The event by which a program in error goes on from where it failed; None if it is not so."""
    last = catalogue.ledger.history(program)[-1]
    if last.to_state is not State.ERROR or last.from_state is None:
        return None
    return Event(
        program, RETRY_FROM[last.from_state], State.ERROR, message=message, attempts_used=0
    )


def retry(catalogue: Catalogue, job: Job, program: str, by: str = "") -> State:
    """Let a program in error go on from where it failed; returns the state that it is in then.

    Parameters
    ----------
    by : str
        The person who wants it, if known.

    Raises
    ------
    RetryError
        If it is not in error.
    """
    message = "to be tried again" + (f", says {by}" if by else "")
    state = catalogue.state(program, RetryError)
    event = resume_event(catalogue, program, message)
    if event is None:
        raise RetryError(f"{program}: is {SHOWN[state]}, not in error")
    catalogue.ledger.record([event], job)
    return event.to_state


def reopen(catalogue: Catalogue, job: Job, program: str, by: str = "") -> None:
    """Let an inverted program begin again.

    What was published stays. What was not is left behind, unless it is handed in again.

    Parameters
    ----------
    by : str
        The person who wants it, if known.

    Raises
    ------
    RetryError
        If it is not inverted.
    """
    with catalogue.ledger.writing() as connection:
        states = catalogue.states(within=connection)
        before = catalogue.ledger.states_before(State.ERROR, within=connection).get(program)
        if program not in states or stands(states[program], before) not in INVERTED:
            raise RetryError(f"{plain(program)}: not inverted, so that there is nothing to reopen")
        left_behind = [i.inversion_id for i in catalogue.to_publish(program, within=connection)]
        message = "reopened" + (f" by {by}" if by else "")
        if left_behind:
            message += f"; left behind, not published: {', '.join(left_behind)}"
        event = Event(program, State.DISCOVERED, states[program], message=message)
        catalogue.ledger.record([event], job, within=connection)
