"""Results that the science team hands in, on the command line or as a JSON file (a ready event).

The files are checked before the state of the program changes. If they do not pass, the program goes
into error; when the files are right, the result is handed in again. The same result handed in twice
counts once.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Event, Job, State
from cvzmpi.ledger.person_name import PersonNameError, person_name
from cvzmpi.ledger.records import now
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.checked_product import CheckedProduct, ProductError
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.reservation import add_reservation
from cvzmpi.level2.programs.retry import failure_event, resume_event
from cvzmpi.level2.programs.states import INVERTED, INVERTIBLE, SHOWN
from cvzmpi.messages.foreign_json import ForeignJsonError, parse, plain, why_not_text
from cvzmpi.regular_file import UnreadableFileError, read_bounded

MAX_BYTES = 1 << 20
"""Bytes of a ready event."""

_MAX_FILES = 10_000

STEP = "inverted"
TEAM = "science team"
"""The method of an inversion that was handed in."""


class HandInError(CvzmpiError):
    """A result cannot be accepted."""


def _text(text: str) -> str:
    if (wrong := why_not_text(text)) is not None:
        raise ValueError(wrong)
    return text


def _path(path: Path) -> Path:
    _text(str(path))
    return path


def _person(name: str) -> str:
    try:
        return person_name(name)
    except PersonNameError as error:
        raise ValueError(str(error)) from error


class ReadyEvent(BaseModel):
    """The message of the science team that a result is ready; also the content of the JSON file.

    Parameters
    ----------
    program : str
        The Observing Program.
    files : list of Path
        The files of a Level 2 product, as `check` describes it, or their directory.
    commit : str
        The version of the software that made them.
    by : str, optional
        The person who made them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_text)]
    files: Annotated[
        list[Annotated[Path, AfterValidator(_path)]], Field(min_length=1, max_length=_MAX_FILES)
    ]
    commit: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]+$", max_length=200)]
    by: Annotated[str, AfterValidator(_person)] | None = None

    @classmethod
    def read(cls, path: Path) -> ReadyEvent:
        """Read a JSON file; paths in it are relative to its directory.

        Raises
        ------
        HandInError
        """
        where = plain(str(path))
        try:
            content = parse(read_bounded(path, MAX_BYTES))
        except UnreadableFileError as error:
            raise HandInError(f"{where}: {error}") from error
        except ForeignJsonError as error:
            raise HandInError(f"{where}: no JSON: {error}") from error
        return cls.of(content, path.parent, f"{where}: ")

    @classmethod
    def of(cls, content: Any, directory: Path, where: str = "") -> ReadyEvent:
        """Validate the content of an event; relative paths are from a directory.

        Raises
        ------
        HandInError
        """
        try:
            event = cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = plain(".".join(str(part) for part in first["loc"]), 80) or "content"
            raise HandInError(f"{where}{place}: {plain(first['msg'], 200)}") from error
        files = [directory.absolute() / file for file in event.files]
        return event.model_copy(update={"files": files})


def hand_in(catalogue: Catalogue, job: Job, ready: ReadyEvent) -> Inversion:
    """Accept a result.

    Returns
    -------
    Inversion
        The earlier one, if this result was handed in before.

    Raises
    ------
    ProductError
        If the files do not pass the check; then the program is in error.
    HandInError
        If no result can be handed in for the program, which stays as it is.
    """
    before = catalogue.state(ready.program, HandInError)
    if before not in INVERTED:
        _expect_invertible(catalogue, ready.program, before)
    try:
        result = _check(catalogue, ready)
    except ProductError as error:
        if before not in INVERTED:
            _fail(catalogue, job, ready, before, error)
        raise
    return _accept(catalogue, job, ready, result)


def _check(catalogue: Catalogue, ready: ReadyEvent) -> CheckedProduct:
    """Check the files, and that they are of this program."""
    result = check_product(ready.files)
    known = catalogue.newest_versions(ready.program)
    for dataset in result.dataset_ids:
        if dataset not in known:
            raise ProductError(
                f"{result.asdf}: datasetIds: {dataset} is no dataset of {ready.program}"
            )
    return result


def _expect_invertible(catalogue: Catalogue, program: str, state: State) -> None:
    """Refuse a program that is neither invertible nor in error from a step before the inversion."""
    if state in INVERTIBLE:
        return
    if state is State.ERROR and catalogue.ledger.history(program)[-1].from_state in INVERTIBLE:
        return
    raise HandInError(f"{program}: is {SHOWN[state]}, not Invertible")


def _fail(
    catalogue: Catalogue, job: Job, ready: ReadyEvent, before: State, error: ProductError
) -> None:
    """Bring the program into error, unless a good product was handed in meanwhile."""
    resumed = _resume(catalogue, ready.program)
    state = resumed[-1].to_state if resumed else before
    failed = failure_event(ready.program, state, STEP, error, **_as_json(ready))
    catalogue.ledger.record([*resumed, failed], job, skip_stale=True)


def _resume(catalogue: Catalogue, program: str) -> list[Event]:
    """The event that must come first if the program is in error."""
    event = resume_event(catalogue, program, "handed in again")
    return [] if event is None else [event]


def _accept(catalogue: Catalogue, job: Job, ready: ReadyEvent, result: CheckedProduct) -> Inversion:
    """Record the result, its id, and the new state, in one transaction."""
    program = ready.program
    with catalogue.ledger.writing() as connection:
        state = catalogue.state(program, HandInError, within=connection)
        there = catalogue.inversions(program, within=connection)
        if state in INVERTED and there:
            if there[-1].detail.get("checksums") == result.checksums:
                return there[-1]
            raise HandInError(
                f"{program}: is {SHOWN[state]} already, by {there[-1].inversion_id}; "
                "reopen it to hand in another result"
            )
        _expect_invertible(catalogue, program, state)
        if any(
            i.inversion_id == result.inversion_id for i in catalogue.inversions(within=connection)
        ):
            raise HandInError(f"{program}: {result.inversion_id} is the id of another result")
        inversion = Inversion(
            result.inversion_id, program, TEAM, {**asdict(result), **_as_json(ready)}, now()
        )
        add_inversion(connection, inversion)
        done = Event(
            program,
            State.DONE,
            message=f"inverted by the science team, {', '.join(result.lines)}, "
            f"commit {ready.commit}",
            detail={"step": STEP, "inversion_id": inversion.inversion_id, **inversion.detail},
        )
        catalogue.ledger.record([*_resume(catalogue, program), done], job, within=connection)
        add_reservation(connection, program, None)
    return inversion


def _as_json(ready: ReadyEvent) -> dict[str, Any]:
    return {"files": [str(file) for file in ready.files], "commit": ready.commit, "by": ready.by}
