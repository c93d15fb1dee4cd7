"""A unit belongs to one job at a time; a claim ends with its process; crashes are counted."""

import json
import signal
import subprocess
import sys

import pytest

from cvzmpi.engine.claim import Claim, PoisonedUnitError

_HOLDER = """
import sys, time
from pathlib import Path
from cvzmpi.engine.claim import Claim
claim = Claim.take(Path(sys.argv[1]))
claim.begin_attempt(int(sys.argv[2]), max_attempts=3)
print("mine", flush=True)
time.sleep(60)
"""


def hold(path, progress=0):
    """A process that has the claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path), str(progress)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "mine\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "042" / "42_1.claim"


def test_a_unit_that_another_process_has_cannot_be_claimed(path):
    holder = hold(path)
    try:
        assert Claim.take(path) is None
    finally:
        kill(holder)


def test_a_claim_ends_with_its_process(path):
    kill(hold(path))
    claim = Claim.take(path)
    assert claim is not None
    claim.release()


def test_a_released_claim_leaves_nothing(path):
    claim = Claim.take(path)
    claim.begin_attempt(0, max_attempts=3)
    claim.release()
    assert not path.exists()
    again = Claim.take(path)
    assert again is not None
    again.release()


def test_a_unit_that_crashes_its_jobs_is_given_up(path):
    for _ in range(3):
        kill(hold(path, progress=5))
    claim = Claim.take(path)
    with pytest.raises(PoisonedUnitError, match=r"3 jobs died.*got no further"):
        claim.begin_attempt(5, max_attempts=3)
    claim.abandon()
    assert json.loads(path.read_text())["attempts"] == 3


def test_a_killed_unit_that_got_further_counts_anew(path):
    for progress in range(5):
        kill(hold(path, progress))
    claim = Claim.take(path)
    claim.begin_attempt(5, max_attempts=1)
    assert json.loads(path.read_text())["attempts"] == 1
    claim.release()


def test_an_attempt_that_ended_by_itself_is_not_counted(path):
    for _ in range(5):
        claim = Claim.take(path)
        claim.begin_attempt(7, max_attempts=1)
        claim.release()


def test_a_claim_killed_while_written_counts_as_none(path):
    path.parent.mkdir()
    path.write_text('{"attempts": 3, "pro')
    claim = Claim.take(path)
    claim.begin_attempt(0, max_attempts=1)
    claim.release()
