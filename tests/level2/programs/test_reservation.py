"""Claims of the science team: one claimant, and every claim in the history."""

import subprocess
import sys

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.programs.dataset import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import ClaimError, by_choice, claim, release
from cvzmpi.level2.programs.scan import synchronise
from tests.level2.example_rows import OP, row
from tests.level2.invertible_programs import NOW, make_invertible


@pytest.fixture
def invertible(catalogue, job):
    """Make invertible programs with these names."""
    return lambda *names: make_invertible(catalogue, job, *names)


def messages(catalogue, name=OP):
    return [event.message for event in catalogue.ledger.history(name)]


def test_who_claims_a_program_has_it(catalogue, job, invertible):
    invertible(OP)
    claim(catalogue, job, OP, "Jane Doe")
    assert catalogue.claimants() == {OP: "Jane Doe"}
    event = catalogue.ledger.history(OP)[-1]
    assert (event.from_state, event.to_state) == (State.QUALIFIED, State.QUALIFIED)
    assert (event.message, event.detail) == ("claimed by Jane Doe", {"claimed_by": "Jane Doe"})


def test_nobody_else_can_claim_it(catalogue, job, invertible):
    invertible(OP)
    claim(catalogue, job, OP, "Jane")
    with pytest.raises(ClaimError, match=f"{OP}: Jane has it"):
        claim(catalogue, job, OP, "Joe")
    assert catalogue.claimants() == {OP: "Jane"}


def test_claiming_twice_is_claiming_once(catalogue, job, invertible):
    invertible(OP)
    claim(catalogue, job, OP, "Jane")
    claim(catalogue, job, OP, " Jane ")
    assert messages(catalogue).count("claimed by Jane") == 1


def test_what_is_released_can_be_claimed_again(catalogue, job, invertible):
    invertible(OP)
    claim(catalogue, job, OP, "Jane")
    with pytest.raises(ClaimError, match="Jane has it, not Joe"):
        release(catalogue, job, OP, "Joe")
    release(catalogue, job, OP)
    assert catalogue.claimants() == {}
    claim(catalogue, job, OP, "Joe")
    assert messages(catalogue)[-3:] == ["claimed by Jane", "released by Jane", "claimed by Joe"]


def test_only_what_is_invertible_can_be_claimed(catalogue, job):
    synchronise(catalogue, job, read_datasets([row()]))
    with pytest.raises(ClaimError, match="is Waiting; only what is Invertible"):
        claim(catalogue, job, OP, "Jane")
    qualify(catalogue, job, Thresholds(), 7, NOW)
    with pytest.raises(ClaimError, match="is Not Invertible"):
        claim(catalogue, job, OP, "Jane")
    with pytest.raises(ClaimError, match="nothing: no such Observing Program"):
        claim(catalogue, job, "nothing", "Jane")
    with pytest.raises(ClaimError, match="needs a name"):
        claim(catalogue, job, OP, "  ")


def test_a_preprocessed_program_can_be_claimed(catalogue, job, invertible):
    invertible(OP)
    catalogue.ledger.record([Event(OP, State.PREPROCESSED)], job)
    claim(catalogue, job, OP, "Jane")
    assert catalogue.states() == {OP: State.PREPROCESSED}
    release(catalogue, job, OP)


def test_work_is_ordered_by_who_chose_what(catalogue, job, invertible):
    invertible("one", "two", "three", "four")
    claim(catalogue, job, "two", "Joe")
    claim(catalogue, job, "four", "Jane")
    ordered = by_choice(catalogue.ledger.units(), catalogue.claimants())
    assert [unit.name for unit in ordered] == ["four", "two", "one", "three"]


CLAIM = """
import sys
from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.reservation import ClaimError, claim
with Ledger.open(sys.argv[1]) as ledger, ledger.job("claim") as job:
    catalogue = Catalogue(ledger)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        claim(catalogue, job, sys.argv[2], sys.argv[3])
        print("won")
    except ClaimError as error:
        print(error)
"""


def test_of_two_claims_at_once_one_wins(catalogue, job, invertible, location):
    invertible(OP)
    names = [f"person {number}" for number in range(4)]
    claimants = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, location, OP, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for process in claimants:
        assert process.stdout.readline() == "ready\n"
    for process in claimants:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60)[0].strip() for process in claimants]
    (winner,) = (name for name, answer in zip(names, answers, strict=True) if answer == "won")
    assert set(answers) == {"won", f"{OP}: {winner} has it"}
    assert catalogue.claimants() == {OP: winner}
    assert [m for m in messages(catalogue) if m] == [f"claimed by {winner}"]
