"""Another program gives its output, or one line about what went wrong; none outlives its time."""

import sys
import time
from pathlib import Path

import pytest

from cvzmpi.other_program import ProgramError, output_of
from tools.harness.job_process import wait_until


def python(code, seconds=60.0):
    return output_of([sys.executable, "-c", code], seconds)


def test_the_output_is_given_without_the_complaints():
    assert python("import sys; print('yes'); print('no', file=sys.stderr)") == "yes\n"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("raise RuntimeError('cannot load\\nlibmpi.so')", "RuntimeError: cannot load"),
        ("import sys; sys.exit('not today')", "not today"),
        ("import sys; sys.exit(7)", "exit status 7"),
        ("import os; os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
    ],
)
def test_a_failure_is_one_line(code, reason):
    with pytest.raises(ProgramError) as failure:
        python(code)
    assert str(failure.value) == reason


def test_a_program_that_is_not_there_is_one_line():
    with pytest.raises(ProgramError, match="nowhere: No such file or directory"):
        output_of(["nowhere"], 60)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_one_that_hangs_is_ended_with_what_it_started(tmp_path):
    code = (
        "import pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: None)\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        f"pathlib.Path({str(tmp_path / 'new')!r}).write_text(str(child.pid))\n"
        f"pathlib.Path({str(tmp_path / 'new')!r}).rename({str(tmp_path / 'pid')!r})\n"
        "while True:\n    time.sleep(1)"
    )
    begun = time.monotonic()
    with pytest.raises(ProgramError, match="no answer within 3 s"):
        python(code, 3.0)
    assert time.monotonic() - begun < 100
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not is_running(child), "the end of what it started")
