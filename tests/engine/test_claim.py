"""A unit belongs to one process at a time, and a claim ends with its process."""

import signal
import subprocess
import sys

import pytest

from cvzmpi.engine.claim import Claim, ClaimError

_HOLDER = """
import sys, time
from pathlib import Path
from cvzmpi.engine.claim import Claim
claim = Claim.take(Path(sys.argv[1]))
print("mine", flush=True)
time.sleep(60)
"""


def hold(path):
    """A process that has the claim."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True
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
    claim.release()
    assert not path.exists()
    again = Claim.take(path)
    assert again is not None
    again.release()


def test_a_claim_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "042").write_text("a file stands here")
    path = tmp_path / "042" / "42_1.claim"
    with pytest.raises(ClaimError) as caught:
        Claim.take(path)
    assert str(caught.value) == f"{path}: cannot be made: File exists"
