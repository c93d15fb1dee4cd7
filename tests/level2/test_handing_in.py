"""The science team hands in results: what is checked, what is recorded, and what counts once."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
import sqlalchemy as sa
from example_result import write_result
from example_rows import OP, row
from test_science_team import make_invertible

from cvzmpi.ledger import State
from cvzmpi.level2.dataset import read_datasets
from cvzmpi.level2.handing_in import HandInError, ReadyEvent, hand_in
from cvzmpi.level2.inbox import empty_inbox
from cvzmpi.level2.retry import RetryError, reopen, retry
from cvzmpi.level2.scan import synchronise
from cvzmpi.level2.science_team import claim
from cvzmpi.level2.team_result import TeamResultError, check


@pytest.fixture
def catalogue(catalogue, job):
    """One that knows an invertible program."""
    make_invertible(catalogue, job, OP)
    return catalogue


@pytest.fixture
def result(tmp_path):
    return write_result(tmp_path / "result.h5")


def ready(*files, program=OP, commit="abc123"):
    return ReadyEvent(program=program, files=list(files), commit=commit)


def states(catalogue):
    return [event.to_state.value for event in catalogue.ledger.history(OP)]


# ----------------------------------------------------------------- accepted


def test_a_result_that_passes_makes_the_program_inverted(catalogue, job, result):
    inversion = hand_in(catalogue, job, ready(result))
    assert re.fullmatch(r"inv\.[A-Z0-9]{6}", inversion.inversion_id)
    assert catalogue.inversions() == [inversion]
    event = catalogue.ledger.history(OP)[-1]
    assert (event.from_state, event.to_state) == (State.QUALIFIED, State.DONE)
    assert event.message == "inverted by the science team, FeI630, commit abc123"
    assert event.detail["checksums"] == check([result]).checksums
    assert event.detail["shape"] == [3, 4]


def test_with_it_the_claim_ends(catalogue, job, result):
    claim(catalogue, job, OP, "Jane")
    hand_in(catalogue, job, ready(result))
    assert catalogue.claimants() == {}


def test_the_same_result_twice_counts_once(catalogue, job, result):
    first = hand_in(catalogue, job, ready(result))
    assert hand_in(catalogue, job, ready(result)) == first
    assert states(catalogue).count("done") == 1
    assert len(catalogue.inversions()) == 1


def test_another_result_needs_the_program_to_be_reopened(catalogue, job, result, tmp_path):
    first = hand_in(catalogue, job, ready(result))
    other = write_result(tmp_path / "other.h5", shape=(5, 5))
    with pytest.raises(HandInError, match=f"is Inverted already, by {first.inversion_id}"):
        hand_in(catalogue, job, ready(other))
    assert states(catalogue)[-1] == "done"
    reopen(catalogue, job, OP)
    assert states(catalogue)[-1] == "discovered"


def test_a_result_may_be_in_several_files(catalogue, job, tmp_path):
    iron = write_result(tmp_path / "iron.h5")
    calcium = write_result(tmp_path / "calcium.h5", lines=("CaII854",), quantities={})
    inversion = hand_in(catalogue, job, ready(iron, calcium))
    assert inversion.detail["lines"] == {"CaII854": str(calcium), "FeI630": str(iron)}


# ----------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (None, "there is no such file"),
        ({"quantities__velocity": np.zeros((4, 3))}, "velocity has shape"),
        ({"profiles__MgI517_orig": np.zeros((3, 4, 5, 4))}, "MgI517_orig: not known"),
    ],
    ids=["missing file", "wrong shape", "unknown line"],
)
def test_a_bad_result_is_an_error_and_a_retry_succeeds(catalogue, job, tmp_path, changed, message):
    path = tmp_path / "result.h5"
    if changed is not None:
        write_result(path, **changed)
    with pytest.raises(TeamResultError, match=message):
        hand_in(catalogue, job, ready(path))
    event = catalogue.ledger.history(OP)[-1]
    assert event.to_state is State.ERROR
    assert event.message.startswith(f"inverted: {path}: ")
    assert event.detail["step"] == "inverted"
    assert catalogue.inversions() == []

    write_result(path)
    assert retry(catalogue, job, OP) is State.QUALIFIED
    hand_in(catalogue, job, ready(path))
    assert states(catalogue) == ["discovered", "qualified", "error", "qualified", "done"]


def test_handing_in_again_is_a_retry_by_itself(catalogue, job, tmp_path):
    path = tmp_path / "result.h5"
    for _ in range(2):
        with pytest.raises(TeamResultError):
            hand_in(catalogue, job, ready(path))
    write_result(path)
    hand_in(catalogue, job, ready(path))
    assert states(catalogue)[2:] == ["error", "qualified", "error", "qualified", "done"]


def test_nothing_is_accepted_for_what_is_not_invertible(catalogue, job, result):
    synchronise(catalogue, job, read_datasets([row("OTHER", observingProgramExecutionId="other")]))
    with pytest.raises(HandInError, match="other: is Waiting, not Invertible"):
        hand_in(catalogue, job, ready(result, program="other"))
    assert catalogue.states()["other"] is State.DISCOVERED
    with pytest.raises(HandInError, match="nothing: no such Observing Program"):
        hand_in(catalogue, job, ready(result, program="nothing"))


def test_only_what_is_in_error_can_be_retried(catalogue, job):
    with pytest.raises(RetryError, match="is Invertible, not in error"):
        retry(catalogue, job, OP)
    with pytest.raises(RetryError, match="not inverted"):
        reopen(catalogue, job, OP)


def test_the_database_refuses_to_change_an_inversion(catalogue, job, result):
    hand_in(catalogue, job, ready(result))
    for change in ("UPDATE level2_inversions SET program = 'x'", "DELETE FROM level2_claims"):
        with (
            pytest.raises(sa.exc.DBAPIError, match="never"),
            catalogue.ledger.database.engine.begin() as connection,
        ):
            connection.exec_driver_sql(change)


HAND_IN = """
import sys
from cvzmpi.ledger import Ledger
from cvzmpi.level2.catalogue import Catalogue
from cvzmpi.level2.handing_in import ReadyEvent, hand_in
with Ledger.open(sys.argv[1]) as ledger, ledger.job("inverted") as job:
    catalogue = Catalogue(ledger)
    print("ready", flush=True)
    sys.stdin.readline()
    event = ReadyEvent(program=sys.argv[2], files=[sys.argv[3]], commit="abc123")
    print(hand_in(catalogue, job, event).inversion_id)
"""


def test_two_at_once_count_once(catalogue, location, result):
    team = [
        subprocess.Popen(
            [sys.executable, "-c", HAND_IN, location, OP, str(result)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in team:
        assert process.stdout.readline() == "ready\n"
    answers = {process.communicate("\n", timeout=60)[0].strip() for process in team}
    (inversion,) = catalogue.inversions()
    assert answers == {inversion.inversion_id}
    assert states(catalogue) == ["discovered", "qualified", "done"]


# ----------------------------------------------------------------- the inbox


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def drop(inbox, name, **content):
    (inbox / name).write_text(json.dumps(content))


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_in_the_inbox_is_a_ready_event(catalogue, job, inbox, result):
    drop(inbox, "ready.json", program=OP, files=[f"../{result.name}"], commit="abc123")
    (dropped,) = empty_inbox(catalogue, job, inbox)
    assert dropped.accepted
    assert str(dropped) == f"ready.json: {OP} inverted, {catalogue.inversions()[0].inversion_id}"
    assert (names(inbox), names(inbox / "accepted")) == (["accepted"], ["ready.json"])
    assert empty_inbox(catalogue, job, inbox) == []


def test_a_file_dropped_twice_counts_once(catalogue, job, inbox, result):
    for _ in range(2):
        drop(inbox, "ready.json", program=OP, files=[str(result)], commit="abc123")
        assert empty_inbox(catalogue, job, inbox)[0].accepted
    assert names(inbox / "accepted") == ["ready.2.json", "ready.json"]
    assert states(catalogue) == ["discovered", "qualified", "done"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"program": OP, "files": [], "commit": "abc"}, "files: List should have at least 1 item"),
        ({"program": OP, "files": ["x.h5"]}, "commit: Field required"),
        ({"program": OP, "files": ["x.h5"], "commit": "abc", "extra": 1}, "extra: Extra inputs"),
        ({"program": "nothing", "files": ["x.h5"], "commit": "abc"}, "no such Observing Program"),
        ({"program": OP, "files": ["x.h5"], "commit": "abc"}, "x.h5: there is no such file"),
    ],
)
def test_a_bad_file_is_put_aside_with_the_reason_and_the_next_is_read(
    catalogue, job, inbox, result, content, message
):
    drop(inbox, "a.json", **content)
    drop(inbox, "b.json", program=OP, files=[str(result)], commit="abc123")
    bad, good = empty_inbox(catalogue, job, inbox)
    assert (bad.accepted, good.accepted) == (False, True)
    assert message in bad.text
    assert names(inbox / "rejected") == ["a.error.txt", "a.json"]
    assert message in (inbox / "rejected" / "a.error.txt").read_text()


def test_a_file_that_is_still_being_written_is_left_alone(catalogue, job, inbox):
    (inbox / "ready.json").write_text('{"program": "x", "fi')
    assert empty_inbox(catalogue, job, inbox) == []
    assert names(inbox) == ["ready.json"]
