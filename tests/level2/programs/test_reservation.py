"""Reservations by people: one holder, and every reservation in the history."""

import subprocess
import sys
from datetime import datetime, timezone

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import ReservationError, release, reserve, reserved_first
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import OP, calcium, row

NOW = datetime(2023, 12, 31, tzinfo=timezone.utc)


def make_invertible(catalogue, job, *names):
    rows = [
        make(f"{kind}{number}", observingProgramExecutionId=name)
        for number, name in enumerate(names)
        for kind, make in (("FE", row), ("CA", calcium))
    ]
    synchronise(catalogue, job, read_datasets(rows))
    qualify(catalogue, job, Thresholds(), 7, NOW)


@pytest.fixture
def invertible(catalogue, job):
    """Make invertible programs with these names."""
    return lambda *names: make_invertible(catalogue, job, *names)


def messages(catalogue, name=OP):
    return [event.message for event in catalogue.ledger.history(name)]


def test_who_reserves_a_program_has_it(catalogue, job, invertible):
    invertible(OP)
    reserve(catalogue, job, OP, "Jane Doe")
    assert catalogue.reservations() == {OP: "Jane Doe"}
    event = catalogue.ledger.history(OP)[-1]
    assert (event.from_state, event.to_state) == (State.QUALIFIED, State.QUALIFIED)
    assert (event.message, event.detail) == ("reserved by Jane Doe", {"claimed_by": "Jane Doe"})


def test_nobody_else_can_reserve_it(catalogue, job, invertible):
    invertible(OP)
    reserve(catalogue, job, OP, "Jane")
    with pytest.raises(ReservationError, match=f"{OP}: Jane has it"):
        reserve(catalogue, job, OP, "Joe")
    assert catalogue.reservations() == {OP: "Jane"}


def test_reserving_twice_is_reserving_once(catalogue, job, invertible):
    invertible(OP)
    reserve(catalogue, job, OP, "Jane")
    reserve(catalogue, job, OP, " Jane ")
    assert messages(catalogue).count("reserved by Jane") == 1


def test_what_is_released_can_be_reserved_again(catalogue, job, invertible):
    invertible(OP)
    reserve(catalogue, job, OP, "Jane")
    with pytest.raises(ReservationError, match="Jane has it, not Joe"):
        release(catalogue, job, OP, "Joe")
    release(catalogue, job, OP)
    assert catalogue.reservations() == {}
    reserve(catalogue, job, OP, "Joe")
    assert messages(catalogue)[-3:] == ["reserved by Jane", "released by Jane", "reserved by Joe"]


def test_only_what_is_invertible_can_be_reserved(catalogue, job):
    synchronise(catalogue, job, read_datasets([row()]))
    with pytest.raises(ReservationError, match="is Waiting; only what is Invertible"):
        reserve(catalogue, job, OP, "Jane")
    qualify(catalogue, job, Thresholds(), 7, NOW)
    with pytest.raises(ReservationError, match="is Not Invertible"):
        reserve(catalogue, job, OP, "Jane")
    with pytest.raises(ReservationError, match="nothing: no such Observing Program"):
        reserve(catalogue, job, "nothing", "Jane")
    with pytest.raises(ReservationError, match="needs a name"):
        reserve(catalogue, job, OP, "  ")


def test_a_preprocessed_program_can_be_reserved(catalogue, job, invertible):
    invertible(OP)
    catalogue.ledger.record([Event(OP, State.PREPROCESSED)], job)
    reserve(catalogue, job, OP, "Jane")
    assert catalogue.states() == {OP: State.PREPROCESSED}
    release(catalogue, job, OP)


def test_work_is_ordered_by_who_chose_what(catalogue, job, invertible):
    invertible("one", "two", "three", "four")
    reserve(catalogue, job, "two", "Joe")
    reserve(catalogue, job, "four", "Jane")
    ordered = reserved_first(catalogue.ledger.units(), catalogue.reservations())
    assert [unit.name for unit in ordered] == ["four", "two", "one", "three"]


RESERVE = """
import sys
from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.reservation import ReservationError, reserve
with Ledger.open(sys.argv[1]) as ledger, ledger.job("reserve") as job:
    catalogue = Catalogue(ledger)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        reserve(catalogue, job, sys.argv[2], sys.argv[3])
        print("won")
    except ReservationError as error:
        print(error)
"""


def test_of_two_reservations_at_once_one_wins(catalogue, job, invertible, location):
    invertible(OP)
    names = [f"person {number}" for number in range(4)]
    people = [
        subprocess.Popen(
            [sys.executable, "-c", RESERVE, location, OP, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in people:
        assert process.stdout.readline() == "ready\n"
    for process in people:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in people]
    (winner,) = (name for name, answer in zip(names, answers, strict=True) if answer == "won")
    assert set(answers) == {"won", f"{OP}: {winner} has it"}
    assert catalogue.reservations() == {OP: winner}
    assert [m for m in messages(catalogue) if m] == [f"reserved by {winner}"]
