"""Whatever a file does to the process that reads it on trial, who asked for that goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from cvzmpi.storage import trial_reading
from cvzmpi.storage.trial_reading import (
    DamagedOnTrialError,
    RefusedOnTrialError,
    TrialFailedError,
    TrialReader,
)
from tests.storage.trial_checks import check
from tools.harness.job_process import environment


@pytest.fixture(scope="module")
def reader():
    reader = TrialReader()
    yield reader
    reader.end()


@pytest.fixture
def read(reader, tmp_path):
    """Read a file with such a content on trial."""

    def read(text):
        path = tmp_path / "file"
        path.write_text(text)
        reader.read(path, check)

    return read


def process_of(reader):
    return reader._process._process


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL"])
def test_a_crash_is_damage_and_the_next_file_is_read(read, name):
    with pytest.raises(DamagedOnTrialError, match=rf"crashes \({name}\)"):
        read(f"crash {name}")
    read("fine")


def test_what_does_not_come_back_is_damage(read, monkeypatch):
    monkeypatch.setattr(trial_reading, "CPU_SECONDS", 0.2)
    with pytest.raises(DamagedOnTrialError, match="does not come back"):
        read("spin")
    read("fine")


def test_what_waits_takes_no_processor_time_and_may(read, monkeypatch):
    monkeypatch.setattr(trial_reading, "CPU_SECONDS", 0.2)
    read("wait 0.6")


def test_what_asks_for_more_memory_than_there_is_is_damage(read):
    with pytest.raises(DamagedOnTrialError, match="allocate"):
        read("greedy")
    read("fine")


def test_what_is_raised_is_damage_in_one_line_and_leaves_nothing_behind(read):
    with pytest.raises(DamagedOnTrialError, match="two lines"):
        read("spoil")
    read("spoiled")


def test_what_is_refused_is_not_damaged(read):
    with pytest.raises(RefusedOnTrialError, match="not one of these"):
        read("foreign")


def test_a_file_that_may_not_be_read_says_nothing_about_itself(reader, tmp_path):
    with pytest.raises(FileNotFoundError):
        reader.read(tmp_path / "none", check)


def test_a_trial_that_somebody_kills_says_nothing_about_the_file(read):
    with pytest.raises(TrialFailedError, match="SIGKILL"):
        read("crash SIGKILL")
    read("fine")


def test_when_the_process_is_killed_the_next_file_has_another(reader, read):
    read("fine")
    process_of(reader).kill()
    with pytest.raises(TrialFailedError):
        read("fine")
    read("fine")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_signals_to_a_whole_job_do_not_reach_it(reader, read, name):
    read("fine")
    before = process_of(reader).pid
    process_of(reader).send_signal(signal.Signals[name])
    read("fine")
    assert process_of(reader).pid == before


def test_it_is_not_taken_for_a_rank(tmp_path, monkeypatch):
    launcher = {"OMPI_COMM_WORLD_SIZE": "3", "PMIX_RANK": "1", "PMI_RANK": "1", "SLURM_PROCID": "1"}
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    path, reader = tmp_path / "file", TrialReader()
    path.write_text("environment")
    with pytest.raises(RefusedOnTrialError) as caught:
        reader.read(path, check)
    reader.end()
    assert "PATH" in str(caught.value).split()
    assert not launcher.keys() & set(str(caught.value).split())


def test_a_file_that_has_not_changed_is_read_once(reader, tmp_path):
    path, counter = tmp_path / "file", tmp_path / "counter"
    path.write_text(f"count {counter}")
    os.utime(path, (1e9, 1e9))
    for _ in range(3):
        reader.read(path, check)
    assert counter.read_text() == "x"
    os.utime(path, (1e9, 1e9 + 1))
    reader.read(path, check)
    assert counter.read_text() == "xx"


def test_a_file_that_changed_just_now_is_read_each_time(read, tmp_path):
    counter = tmp_path / "counter"
    for _ in range(3):
        read(f"count {counter}")
    assert counter.read_text() == "xxx"


def test_nothing_is_left_when_the_process_that_asked_is_killed(tmp_path):
    (tmp_path / "file").write_text("fine")
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tests.storage.trial_checks import check\n"
        "from cvzmpi.storage import trial_reading\n"
        "trial_reading.read_on_trial(Path(sys.argv[1]), check)\n"
        "(reader,) = [trial_reading._reader(__import__('os').getpid())]\n"
        "print(reader._process._process.pid, flush=True)\ntime.sleep(600)"
    )
    asks = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "file"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
    )
    pid = int(asks.stdout.readline())
    os.kill(pid, 0)
    asks.kill()
    asks.communicate()
    give_up = time.monotonic() + 60
    while _is_there(pid):
        assert time.monotonic() < give_up, "it is still there"
        time.sleep(0.01)


def _is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
