"""The cores that measurements run on, and processes on them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tools.harness.job_process import MPIRUN, ROOT

AVAILABLE: frozenset[int] = frozenset(
    os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
)


def stay_on(cores: frozenset[int]) -> None:
    """Keep this process, and those that it starts, on some cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def stay_on_one() -> None:
    """Keep this process on the last core: the first often has to serve interrupts."""
    stay_on(frozenset({max(AVAILABLE)}))


@contextmanager
def on_all_cores() -> Iterator[None]:
    """Let this process, and those that it starts meanwhile, use every core."""
    stay_on(AVAILABLE)
    try:
        yield
    finally:
        stay_on_one()


def run(command: Sequence[str], *, everywhere: bool = False) -> str:
    """Run a program at the project's root, on this core or `everywhere`; its standard output.

    Raises
    ------
    RuntimeError
        With the end of what it said, if it fails.
    """
    with on_all_cores() if everywhere else nullcontext():
        done = subprocess.run(
            command,
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise RuntimeError(
            f"{' '.join(command)}: status {done.returncode}\n" + "\n".join(lines[-15:])
        )
    return done.stdout


def run_ranks(n_ranks: int, module: str, *arguments: str) -> str:
    """Run a module of `tools.bench.ranks` under mpirun, on all cores; its standard output."""
    command = [str(MPIRUN), "-n", str(n_ranks), sys.executable, "-m", "mpi4py"]
    return run([*command, "-m", f"tools.bench.ranks.{module}", *arguments], everywhere=True)


def peak_memory() -> float:
    """The most memory that this process ever had, in bytes (VmHWM: shared pages count too)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")
