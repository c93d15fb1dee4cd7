"""Jobs that people and defects end: every light curve is finished by the next one."""

import os
import re
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.ledger import Event, Ledger, State
from tests.main_job import FAST, before_work_on, bytes_of, copy_results, simulate
from tools.harness.hdf5_content import contents
from tools.harness.job_process import run, start

N_STARS = 2
UNITS = [f"{FIRST_TIC + star}_1" for star in range(N_STARS)]
NO_MPI = {"MPI4PY_LIBMPI": "/nowhere/libmpi.so"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    simulate(directory, N_STARS)
    return directory


@pytest.fixture(scope="module")
def alone(inputs, tmp_path_factory):
    """The whole campaign, undisturbed."""
    output = tmp_path_factory.mktemp("alone") / "output"
    ended = run(["run", "--input", inputs, "--output", output, *FAST])
    assert ended.status == 0, ended.stderr
    return output


@pytest.fixture
def arguments(inputs, tmp_path):
    return ["run", "--input", inputs, "--output", tmp_path / "output", *FAST]


@pytest.fixture
def finishes(arguments, alone, tmp_path):
    """The next job finishes everything, and what it makes does not differ."""

    def finishes(output=tmp_path / "output"):
        ended = run(["run", "--input", arguments[2], "--output", output, *FAST])
        assert ended.status == 0, ended.stderr
        assert contents(output) == contents(alone)
        with ledger_of(output) as ledger:
            assert {unit.state for unit in ledger.units()} == {State.DONE}
            assert {unit.attempts_used for unit in ledger.units()} == {0}
        return ended

    return finishes


def ledger_of(output):
    return Ledger.open(output / "ledger.sqlite", create=False)


def wait_for_state(output, state, n=1):
    """Until so many units are in a state."""
    give_up = time.monotonic() + 120
    query = f"SELECT count(*) FROM latest WHERE state = '{state}'"
    while time.monotonic() < give_up:
        try:
            with sqlite3.connect(f"file:{output}/ledger.sqlite?mode=ro", uri=True) as connection:
                if connection.execute(query).fetchone()[0] >= n:
                    return
        except sqlite3.Error:
            pass  # it is not there yet
        time.sleep(0.02)
    raise AssertionError(f"no unit is {state}")


def end_of(process):
    stdout, stderr = process.communicate(timeout=120)
    assert "Traceback" not in stderr, stderr
    return process.returncode, stdout, stderr


def own_rank_0(process):
    """The process of rank 0 below mpirun."""
    for entry in os.listdir("/proc"):
        try:
            environment = Path(f"/proc/{entry}/environ").read_text() if entry.isdecimal() else ""
            parent = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if "OMPI_COMM_WORLD_RANK=0\0" in environment and int(parent) == process.pid:
            return int(entry)
    raise LookupError("no rank 0")


# ----------------------------------------------------------------- signals

UNTIL_STOPPED = "while True: control.check_stop(team); time.sleep(0.01)"


@pytest.mark.parametrize(
    ("number", "ranks"), [(signal.SIGINT, None), (signal.SIGHUP, None), (signal.SIGINT, 3)]
)
def test_a_signal_to_rank_0_stops_the_job_in_good_order(
    arguments, tmp_path, finishes, number, ranks
):
    process = start(
        arguments, ranks=ranks, program=before_work_on(UNITS, UNTIL_STOPPED, CvzCampaign)
    )
    wait_for_state(tmp_path / "output", "working", n=1 if ranks is None else 2)
    os.kill(process.pid if ranks is None else own_rank_0(process), number)
    status, _, stderr = end_of(process)
    assert status == 75, stderr
    assert f"stopping at the next checkpoint: {number.name}" in stderr
    with ledger_of(tmp_path / "output") as ledger:
        assert {unit.state for unit in ledger.units()} == {State.PREPROCESSED}
    finishes()


def test_a_second_ctrl_c_ends_the_job_at_once_and_strands_nothing(arguments, tmp_path, finishes):
    process = start(arguments, program=before_work_on(UNITS[:1], "time.sleep(1000)", CvzCampaign))
    wait_for_state(tmp_path / "output", "working")
    process.send_signal(signal.SIGINT)
    time.sleep(2.2)
    assert process.poll() is None, "it sleeps, and does not look whether it is to stop"
    process.send_signal(signal.SIGINT)
    assert end_of(process)[0] == -signal.SIGINT
    ended = run(arguments)
    assert ended.status == 0, ended.stderr


BEFORE_THE_UNITS = """
import time
from cvzmpi.cvz.work import open_source
def scan(*given):
    print("scanning", flush=True)
    time.sleep(1000)
open_source.scan_directory = scan
from cvzmpi.cli import main
main()
"""


def test_ctrl_c_before_anything_is_begun_is_one_line(arguments, finishes):
    process = start(arguments, ranks=2, program=("-c", BEFORE_THE_UNITS))
    assert process.stdout.readline() == "scanning\n"
    os.kill(own_rank_0(process), signal.SIGINT)
    status, _, stderr = end_of(process)
    assert status == 75, stderr
    assert "cvzmpi: SIGINT: stopped before anything was begun\n" in stderr
    finishes()


@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_ctrl_c_during_the_start_is_no_traceback(arguments, seconds):
    process = start(arguments)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    assert end_of(process)[0] in {75, 130, -signal.SIGINT, 0}


@pytest.mark.parametrize("name", ["INT", "HUP"])
def test_signals_that_are_ignored_stay_ignored(arguments, tmp_path, name):
    """As after `nohup`, and in the background of a script."""
    ignoring = ("sh", "-c", f"trap '' {name}; exec \"$@\"", "sh")
    a_while = before_work_on(UNITS[:1], "time.sleep(1)", CvzCampaign)
    process = start(arguments, wrapper=ignoring, program=a_while)
    wait_for_state(tmp_path / "output", "working")
    process.send_signal(signal.Signals[f"SIG{name}"])
    assert end_of(process)[0] == 0


# ----------------------------------------------------------------- defects

DEFECTS = {
    "in the display": "from cvzmpi.scheduler.progress import ProgressDisplay as it; name = 'ended'",
    "when steps are counted": (
        "from cvzmpi.scheduler.bookkeeping import Bookkeeping as it; name = 'steps_done'"
    ),
    "in the source": "from cvzmpi.runtime.ledger_source import LedgerSource as it; name = 'ended'",
    "in the job writer": "from cvzmpi.ledger.client.takeover import OtherJobs as it; name = 'look'",
}
_BROKEN = """
{which}
good = getattr(it, name)
n_calls = 0
def broken(*given, **named):
    global n_calls
    n_calls += 1
    if n_calls > {after}:
        raise ZeroDivisionError("a defect")
    return good(*given, **named)
setattr(it, name, broken)
from cvzmpi.cli import main
main()
"""


@pytest.mark.parametrize(
    ("where", "ranks"),
    [
        ("in the display", 3),
        ("when steps are counted", None),
        ("in the source", None),
        ("in the job writer", None),
    ],
)
def test_a_defect_on_rank_0_costs_no_light_curve_anything(
    arguments, tmp_path, finishes, where, ranks
):
    if where == "in the job writer":
        after, slowly = 1, "time.sleep(8)"
    else:
        after, slowly = 0, "pass"
    program = before_work_on(UNITS, slowly, CvzCampaign)
    broken = _BROKEN.format(which=DEFECTS[where], after=after)
    program[1] = broken.replace("from cvzmpi.cli import main\nmain()\n", "") + program[1]
    ended = run(arguments, ranks=ranks, program=program)
    assert ended.status == 70, ended.stderr
    assert "ZeroDivisionError: a defect" in ended.stderr
    with ledger_of(tmp_path / "output") as ledger:
        assert State.WORKING not in {unit.state for unit in ledger.units()}
    finishes()


def test_what_an_earlier_version_stranded_is_finished_by_the_next_job(alone, tmp_path, finishes):
    """Ctrl-C ended the job in the ledger, and left its light curve `working`."""
    output = tmp_path / "stranded"
    copy_results(alone, output)
    (ledger_file,) = alone.glob("ledger.sqlite")
    (output / ledger_file.name).write_bytes(ledger_file.read_bytes())
    with ledger_of(output) as ledger:
        job = ledger.jobs.begin("run")
        ledger.record([Event(UNITS[0], State.PREPROCESSED, message="its result is damaged")], job)
        assert len(ledger.claims.take(job, 1, [State.PREPROCESSED])) == 1
        ledger.record([Event(UNITS[0], State.WORKING)], job)
        ledger.jobs.end(job, "failed: KeyboardInterrupt")
    (output / f"{UNITS[0][-5:-2]}" / f"{UNITS[0]}.h5").unlink()
    ended = finishes(output)
    assert ended.summary.startswith("1 light curve done in ")


# ----------------------------------------------------------------- two at once


def test_two_jobs_at_once_both_end_when_all_is_done(arguments, tmp_path, finishes):
    slowly = before_work_on(UNITS, "time.sleep(2)", CvzCampaign)
    first = start(arguments, program=slowly)
    wait_for_state(tmp_path / "output", "working")
    second = start(arguments)
    ends = [end_of(process) for process in (first, second)]
    assert [status for status, *_ in ends] == [0, 0], ends
    assert all("not finished" not in stderr for *_, stderr in ends)
    assert re.search(r"other jobs work on this campaign: job \d+ on \S+ has \d+", ends[1][2])
    assert "nothing else is left to do, waiting for others: job " in ends[1][2]
    before = bytes_of(tmp_path / "output")
    finishes()
    assert bytes_of(tmp_path / "output") == before


# ----------------------------------------------------------------- without MPI


def test_a_single_process_needs_no_mpi_library(arguments, alone, tmp_path):
    ended = run(arguments, **NO_MPI)
    assert ended.status == 0, ended.stderr
    assert ended.complaints == []
    assert contents(tmp_path / "output") == contents(alone)
    assert run(["index", tmp_path / "output"], **NO_MPI).status == 0


def test_ranks_without_an_mpi_library_are_one_line(arguments, tmp_path):
    ended = run(arguments, ranks=2, **NO_MPI)
    assert ended.status == 2
    (line,) = ended.complaints
    assert "no MPI library can be loaded" in line
    assert "module load" in line
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "output").exists()
