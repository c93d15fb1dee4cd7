"""Jobs that meet what no light curve is at fault for: real servers, disks and file systems."""

import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.simulation.simulate import FIRST_TIC
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.ledger import Ledger
from tests.main_job import before_work_on, rewind, simulate
from tools.harness.job_process import environment, kill, run, start

QUICK = ("--set", "inject.n_inject=40", "--set", "inject.n_repeat=2")
IMPATIENT = ("--set", "ledger.patience=1")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    directory = tmp_path_factory.mktemp("input")
    simulate(directory, 3)
    return directory


@pytest.fixture
def arguments(inputs, tmp_path):
    return ["run", "--input", inputs, "--output", tmp_path / "output", *QUICK]


def ledger_of(output):
    return Ledger.open(output / "ledger.sqlite", create=False)


def units_of(output):
    """State and used attempts of the units."""
    with ledger_of(output) as ledger:
        return [(str(unit.state), unit.attempts_used) for unit in ledger.units()]


def wait_for(what, process):
    give_up = time.monotonic() + 60
    while not what():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < give_up
        time.sleep(0.05)


# ----------------------------------------------------------------- the ledger at the start


@pytest.fixture
def url(postgres, request):
    return postgres.make_database(f"outages_{abs(hash(request.node.name))}")


def test_a_job_waits_for_a_database_that_is_away_and_says_so_once(postgres, url, arguments):
    postgres.stop()
    process = start([*arguments, "--set", f"ledger.url={url}"])
    try:
        line = process.stderr.readline()
    finally:
        postgres.start()
    rest = process.communicate(timeout=100)[1]
    assert line.startswith("cvzmpi: waits for the ledger, for 600 s at most: ")
    assert process.returncode == 0, rest
    *again, back = [line for line in rest.splitlines() if line.startswith("cvzmpi: ")]
    assert all("starting up" in line for line in again), "said again, since the reason is another"
    assert back == "cvzmpi: the ledger is back"


def test_a_database_that_stays_away_is_no_mistake_of_anybody(postgres, url, arguments):
    postgres.stop()
    try:
        ended = run([*arguments, *IMPATIENT, "--set", f"ledger.url={url}"], ranks=3)
    finally:
        postgres.start()
    assert ended.status == 75, ended.stderr
    first, last = ended.complaints
    assert first.startswith("cvzmpi: waits for the ledger, for 1 s at most: ")
    assert last.endswith("; to be run again later")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("wrong", ["no_such_database", "no_such_role"])
def test_what_is_wrong_with_a_database_is_said_at_once(postgres, arguments, wrong):
    url = postgres.url(wrong) if "base" in wrong else postgres.url("postgres", wrong)
    ended = run([*arguments, "--set", f"ledger.url={url}"])
    (line,) = ended.complaints
    assert (ended.status, f'"{wrong}" does not exist' in line) == (2, True), ended.stderr


def test_a_job_that_waits_for_a_locked_ledger_is_stopped_at_once(arguments, tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    Ledger.open(output / "ledger.sqlite").close()
    locker = sqlite3.connect(output / "ledger.sqlite", isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    process = start(arguments)
    try:
        time.sleep(4)  # within SQLite's own waiting, of ten seconds
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
        took = time.monotonic() - begun
    finally:
        kill(process)
        locker.close()
    assert process.returncode == 75, said
    assert "Traceback" not in said
    assert took < 8, "not when SQLite gives up"


# ----------------------------------------------------------------- lost while the job runs


WAIT_FOR_FILE = "while not os.path.exists({path!r}): time.sleep(0.05)"


def at_the_second_light_curve(arguments, tmp_path, do, ranks=None):
    """Start a job, do something while it is about to work on its second light curve; its end."""
    go = tmp_path / "go"
    second = [f"{FIRST_TIC + star}_1" for star in range(3)]
    first_done = tmp_path / "first"
    what = (
        f"if os.path.exists({str(first_done)!r}):"
        f"\n            {WAIT_FOR_FILE.format(path=str(go))}"
        f"\n        open({str(first_done)!r}, 'w').close()"
    )
    program = before_work_on(second, what, CvzCampaign)
    process = start(arguments, ranks=ranks, program=program)
    try:
        wait_for(lambda: list((tmp_path / "output").glob("*/*.h5")), process)
        time.sleep(1)  # it is done, and that is recorded
        do(tmp_path / "output")
        go.touch()
        said = process.communicate(timeout=100)[1]
    finally:
        kill(process)
    return process.returncode, said


LOSSES = {
    "removed": lambda output: (output / "ledger.sqlite").unlink(),
    "emptied": lambda output: (output / "ledger.sqlite").write_bytes(b""),
    "overwritten": lambda output: (output / "ledger.sqlite").write_bytes(b"garbage " * 9999),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_ledger_that_is_lost_meanwhile_ends_the_job_and_is_not_made_anew_by_it(
    arguments, tmp_path, loss
):
    file = tmp_path / "output" / "ledger.sqlite"
    left = []

    def lose(output):
        LOSSES[loss](output)
        left.append(file.read_bytes() if file.exists() else None)

    status, said = at_the_second_light_curve([*arguments, *IMPATIENT], tmp_path, lose)
    assert status == 75, said
    assert "Traceback" not in said
    assert said.count("waits for the ledger") == 1, said
    assert (file.read_bytes() if file.exists() else None) == left[0]
    file.unlink(missing_ok=True)
    assert run(arguments).status == 0
    assert units_of(tmp_path / "output") == [("done", 0)] * 3


@pytest.mark.parametrize("ranks", [None, 3], ids=["alone", "3 ranks"])
def test_an_output_directory_that_is_gone_ends_the_job_and_stays_gone(arguments, tmp_path, ranks):
    output, moved = tmp_path / "output", tmp_path / "moved"
    status, said = at_the_second_light_curve(
        [*arguments, *IMPATIENT], tmp_path, lambda output: output.rename(moved), ranks
    )
    assert status == 75, said
    assert f"{output}: is gone while the job runs" in said
    assert not output.exists()
    moved.rename(output)
    assert run(arguments).status == 0
    assert units_of(output) == [("done", 0)] * 3


# ----------------------------------------------------------------- disks


@pytest.fixture
def small_disk(tmp_path):
    """Makes the output directory a disk of its own, of some bytes."""
    output = tmp_path / "output"

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(output)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    output.mkdir()
    mounted = mount("size=20m")
    if mounted.returncode != 0:
        pytest.skip(f"a small disk needs the right to mount one: {mounted.stderr.strip()}")
    yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", output], check=True)
    subprocess.run(["umount", output], check=True)


def test_a_full_disk_puts_light_curves_off_and_charges_none(small_disk, arguments, tmp_path):
    output = tmp_path / "output"
    Ledger.open(output / "ledger.sqlite").close()
    used = sum(path.stat().st_blocks * 512 for path in output.rglob("*"))
    small_disk(used + 2**17)  # the ledger can be written, a sector file cannot
    ended = run([*arguments, *IMPATIENT])
    assert ended.status == 75, ended.stderr
    assert (ended.failures, "Traceback" in ended.stderr) == ([], False)
    assert "No space left on device" in ended.stderr or "disk is full" in ended.stderr
    assert len(ended.stderr.splitlines()) < 20
    small_disk("20m")
    assert run(arguments).status == 0
    assert units_of(output) == [("done", 0)] * 3


def test_teams_work_where_little_memory_can_be_shared_by_files(arguments):
    wrapper = ["unshare", "-m", "sh", "-c"]
    wrapper += ['mount -t tmpfs -o size=1m tmpfs /dev/shm && exec "$@"', "sh"]
    allowed = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    if allowed.returncode != 0:
        pytest.skip(f"needs the right to mount a small /dev/shm: {allowed.stderr.strip()}")
    ended = run([*arguments, "--set", "ranks_per_team=2"], ranks=5, wrapper=wrapper)
    assert ended.status == 0, ended.stderr
    assert ended.summary.startswith("3 light curves done in ")


# ----------------------------------------------------------------- file systems without locks


NO_LOCKS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
static int lacks(const char *kind) { return strcmp(getenv("NO_LOCKS"), kind) == 0; }
int flock(int fd, int op) {
    if (lacks("flock")) { errno = ENOLCK; return -1; }
    return ((int (*)(int, int))dlsym(RTLD_NEXT, "flock"))(fd, op);
}
static int control(const char *name, int fd, int command, void *argument) {
    if (lacks("fcntl") && (command == F_SETLK || command == F_SETLKW || command == F_GETLK)) {
        errno = ENOLCK;
        return -1;
    }
    return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, name))(fd, command, argument);
}
#define ARGUMENT va_list a; va_start(a, command); void *argument = va_arg(a, void *); va_end(a)
#define SAME(name) int name(int fd, int command, ...) { ARGUMENT; \
    return control(#name, fd, command, argument); }
SAME(fcntl)
SAME(fcntl64)
"""


@pytest.fixture(scope="module")
def no_locks(tmp_path_factory):
    """A library that takes a kind of locks away from a program."""
    source = tmp_path_factory.mktemp("shim") / "no_locks.c"
    source.write_text(NO_LOCKS)
    library = source.with_suffix(".so")
    try:
        command = ["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no C compiler: {error}")
    return library


@pytest.mark.parametrize("kind", ["flock", "fcntl"])
def test_a_file_system_without_locks_is_one_line_at_the_start(arguments, tmp_path, no_locks, kind):
    ended = run(arguments, LD_PRELOAD=str(no_locks), NO_LOCKS=kind)
    (line,) = ended.complaints
    assert ended.status == 2
    assert str(tmp_path / "output") in line
    assert "cannot lock files (No locks available)" in line
    assert not list((tmp_path / "output").glob("*/*"))


# ----------------------------------------------------------------- files that others have open


READER = """
import h5py, sys, time
file = h5py.File(sys.argv[1], sys.argv[2])
print(1, flush=True)
time.sleep(100)
"""


@pytest.mark.parametrize(("mode", "status"), [("r", 0), ("r+", 75)])
def test_a_sector_file_that_is_open_elsewhere(inputs, arguments, tmp_path, mode, status):
    assert run(arguments).status == 0
    output = tmp_path / "output"
    file = LightCurveId(FIRST_TIC, 1).path(output)
    rewind(file, 20)
    (output / "ledger.sqlite").unlink()
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, file, mode], stdout=subprocess.PIPE, env=environment()
    )
    try:
        assert reader.stdout.readline() == b"1\n"
        ended = run(arguments)
        assert ended.status == status, ended.stderr
        assert ended.failures == []
        if status:
            (line,) = ended.lines_with("is not finished")
            assert "another program has it open for writing" in line
            assert ("preprocessed", 0) in units_of(output)
    finally:
        reader.kill()
        reader.communicate()
    assert run(arguments).status == 0
    assert units_of(output) == [("done", 0)] * 3
