"""Results that the science team hands in, on the command line or as a JSON file (a ready event).

The commit and the files are checked before the state of the program changes. If the files of its
first result do not pass, the program goes into error; when they are right, the result is handed in
again. A program that is inverted or published takes further results. The same files handed in twice
count once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.records import now
from cvzmpi.ledger.states import RETRY_FROM
from cvzmpi.level2.handing_in.checked_result import CheckedResult, check_result, same_files
from cvzmpi.level2.handing_in.commit import check_commit
from cvzmpi.level2.handing_in.ready_event import HandInError, ReadyEvent
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion, draw_inversion_id
from cvzmpi.level2.programs.isolation import is_about_program, one_line_failure
from cvzmpi.level2.programs.remarks import in_words
from cvzmpi.level2.programs.reservation import add_reservation
from cvzmpi.level2.programs.retry import failure_event, resume_event
from cvzmpi.level2.programs.states import INVERTED, INVERTIBLE, SHOWN

STEP = "inverted"
TEAM = "science team"
"""The method of an inversion that was handed in."""

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class HandInSettings:
    """What results are checked against."""

    level1: Path = Path("level1")  # directory of Level 1 data
    repository: str = ""  # address of the repository of the inversion code; "" for no check


NO_COMMIT_CHECK = HandInSettings()
"""Settings without a repository, where Level 1 data are below the working directory."""


def hand_in(
    catalogue: Catalogue, job: Job, ready: ReadyEvent, settings: HandInSettings = NO_COMMIT_CHECK
) -> Inversion:
    """Accept a result.

    Returns
    -------
    Inversion
        The earlier one, if this result was handed in before.

    Raises
    ------
    ProductError
        If the files do not pass the check. If it is the first result, the program is in error then.
    HandInError
        If no result can be handed in for the program, the commit does not exist, or the files were
        handed in before and do not count any more. The program stays as it is.
    UnavailableError
        If it cannot be checked now. The program stays as it is.
    """
    before = catalogue.state(ready.program, HandInError)
    stands = _expect_acceptable(catalogue, ready.program, before)
    check_commit(settings.repository, ready.commit)
    try:
        result = check_result(catalogue, ready, settings.level1)
    except Exception as error:
        failure = one_line_failure(error, f"{STEP} of {ready.program}", _LOGGER)
        if stands not in INVERTED and is_about_program(failure):
            _fail(catalogue, job, ready, before, failure)
        if failure is error:
            raise
        raise failure from error
    return _accept(catalogue, job, ready, result)


def _expect_acceptable(catalogue: Catalogue, program: str, state: State) -> State:
    """Refuse a program that can have no result now.

    Returns
    -------
    State
        The state of the program or, if it is in error, the one that it would be tried again from.
    """
    stands = state
    if state is State.ERROR:
        failed_in = catalogue.ledger.history(program)[-1].from_state
        stands = state if failed_in is None else RETRY_FROM[failed_in]
    if stands not in INVERTIBLE and stands not in INVERTED:
        raise HandInError(f"{program}: is {SHOWN[state]}, not Invertible, Inverted or Published")
    return stands


def _fail(
    catalogue: Catalogue, job: Job, ready: ReadyEvent, before: State, error: CvzmpiError
) -> None:
    """Bring the program into error, unless a good product was handed in meanwhile."""
    resumed = _resume(catalogue, ready.program)
    state = resumed[-1].to_state if resumed else before
    failed = failure_event(ready.program, state, STEP, error, **ready.as_json())
    catalogue.ledger.record([*resumed, failed], job, skip_stale=True)


def _resume(catalogue: Catalogue, program: str) -> list[Event]:
    """The event that must come first if the program is in error."""
    event = resume_event(catalogue, program, "handed in again")
    return [] if event is None else [event]


def _accept(catalogue: Catalogue, job: Job, ready: ReadyEvent, result: CheckedResult) -> Inversion:
    """Record the result, its id, and the new state, in one transaction."""
    program = ready.program
    with catalogue.ledger.writing() as connection:
        state = catalogue.state(program, HandInError, within=connection)
        stands = _expect_acceptable(catalogue, program, state)
        inversion = _same(catalogue, connection, program, result)
        if inversion is None:
            inversion = _new(catalogue, connection, ready, result)
            add_inversion(connection, inversion)
        elif _counts(catalogue, connection, inversion, stands):
            return inversion
        done = Event(
            program,
            State.DONE,
            message=f"inverted by the {TEAM}, {', '.join(result.lines)}, commit {ready.commit}",
            detail={"step": STEP, **result.detail, "inversion_id": inversion.inversion_id},
        )
        catalogue.ledger.record([*_resume(catalogue, program), done], job, within=connection)
        add_reservation(connection, program, None)
    return inversion


def _same(
    catalogue: Catalogue, connection: sa.Connection, program: str, result: CheckedResult
) -> Inversion | None:
    """The inversion of the program that these files were accepted as, if they were."""
    for inversion in catalogue.inversions(program, within=connection):
        if same_files(inversion.detail.get("checksums", {}), result.checksums):
            return inversion
    return None


def _counts(
    catalogue: Catalogue, connection: sa.Connection, inversion: Inversion, stands: State
) -> bool:
    """True if an inversion counts already; false if it was left behind, and can count again.

    Raises
    ------
    HandInError
        If it cannot count again: it is withdrawn, or the program was reopened since it was
        published.
    """
    program, inversion_id = inversion.program, inversion.inversion_id
    withdrawal = catalogue.withdrawal(inversion_id, within=connection)
    if withdrawal is not None:
        raise HandInError(f"{program}: these files are {inversion_id}, {in_words(withdrawal)}")
    published = catalogue.published(program, within=connection).get(inversion_id)
    if published is not None and stands not in INVERTED:
        raise HandInError(
            f"{program}: these files are {inversion_id}, published at {published:%Y-%m-%d %H:%M} "
            "UTC, before the program was reopened; hand in another result"
        )
    return published is not None or inversion in catalogue.to_publish(program, within=connection)


def _new(
    catalogue: Catalogue, connection: sa.Connection, ready: ReadyEvent, result: CheckedResult
) -> Inversion:
    """The inversion of files that are handed in for the first time."""
    taken = {known.inversion_id for known in catalogue.inversions(within=connection)}
    if result.inversion_id in taken:
        raise HandInError(f"{ready.program}: {result.inversion_id} is the id of another result")
    inversion_id = result.inversion_id or draw_inversion_id(taken)
    return Inversion(inversion_id, ready.program, TEAM, result.detail, now())
