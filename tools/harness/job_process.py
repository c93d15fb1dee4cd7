"""Jobs as a user starts them, `mpirun -n N python -m cvzmpi ...`: started, waited for, killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.mpi.launcher import without_launcher

ROOT = Path(__file__).resolve().parents[2]
MPIRUN = ROOT / "tools" / "mpirun.sh"
HANGS_AFTER = 120.0
"""Seconds; nothing that is waited for takes a tenth of it on a quiet machine."""


@dataclass(frozen=True)
class Ended:
    """How a job ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def complaints(self) -> list[str]:
        """The lines that cvzmpi wrote for the user, not what mpirun adds."""
        return [line for line in self.stderr.splitlines() if line.startswith("cvzmpi: ")]

    @property
    def failures(self) -> list[str]:
        """The lines about units that failed, without date and time."""
        return self.lines_with(" failed ")

    @property
    def summary(self) -> str:
        """The last line of the log."""
        return self.lines_with(" done in ")[-1]

    @property
    def plan(self) -> str:
        """The work that the job found, from its first lines; without the number of ranks."""
        return self.lines_with(" to begin")[0].partition("; ")[0]

    def lines_with(self, text: str) -> list[str]:
        """The lines of the log that have this text, without date and time."""
        stamped = [line for line in self.stderr.splitlines() if line[:2] == "20" and text in line]
        return [line.split(" ", 2)[2] for line in stamped]


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that is no rank of anything."""
    return without_launcher() | more


def start(
    arguments: Sequence[str | Path],
    *,
    ranks: int | None = None,
    cwd: Path | None = None,
    program: Sequence[str] = ("-m", "cvzmpi"),
    wrapper: Sequence[str] = (),
    rank_wrapper: Sequence[str] = (),
    log: Path | None = None,
    **more_environment: str,
) -> subprocess.Popen[str]:
    """Start a job, in pipes or with a `log` that gets all that it prints.

    Parameters
    ----------
    ranks : int, optional
        Without it a plain process, without mpirun.
    program : sequence of str
        What the interpreter runs.
    wrapper, rank_wrapper : sequence of str
        Programs that start the launcher, and each rank.
    """
    launcher = [] if ranks is None else [str(MPIRUN), "-n", str(ranks)]
    with nullcontext(subprocess.PIPE) if log is None else log.open("a") as stdout:
        return subprocess.Popen(
            [*wrapper, *launcher, *rank_wrapper, sys.executable, *program, *map(str, arguments)],
            cwd=cwd,
            env=environment(**more_environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def run(arguments: Sequence[str | Path], *, timeout: float = 150, **how: object) -> Ended:
    """Start a job and wait for its end; one that takes longer than `timeout` is an error."""
    process = start(arguments, **how)  # type: ignore[arg-type]
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return Ended(process.returncode, stdout, stderr)


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to the whole tree of processes, all ranks included."""
    for member in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    process.communicate()


def kill_when(process: subprocess.Popen[str], reached: Callable[[], object]) -> None:
    """Kill a job as soon as it has reached something; it must not end before."""

    def has_reached() -> object:
        assert process.poll() is None, process.communicate()[1]
        return reached()

    wait_until(has_reached, "the point where the job is to be killed", interval=0.001)
    kill(process)


def wait_until(
    reached: Callable[[], object],
    what: str = "what has to come",
    log: Path | None = None,
    seconds: float = HANGS_AFTER,
    interval: float = 0.01,
) -> None:
    """Look each `interval` seconds until something is there; after `seconds`, it is an error.

    The message names `what` has not come, and has the text of the `log`.
    """
    give_up = time.monotonic() + seconds
    while not reached():
        if time.monotonic() >= give_up:
            said = log.read_text() if log is not None and log.exists() else ""
            raise AssertionError(f"waited {seconds:.0f} s for {what}\n{said}")
        time.sleep(interval)


def descendants(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found
