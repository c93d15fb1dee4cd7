"""Real jobs as a user starts them, `mpirun -n N python -m cvzmpi ...`, and what they leave."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from edited_hdf5 import edited

from cvzmpi.cvz.sector_file_checks import CHECKSUM, content_checksum

MPIRUN = Path(__file__).resolve().parents[1] / "tools" / "mpirun.sh"
FAST = ("--set", "seed=7", "--set", "inject.n_inject=200", "--set", "inject.n_repeat=3")

N_CADENCES = 3000

# What tells a process that it is a rank of some other job.
_OF_A_LAUNCHER = ("OMPI_COMM_WORLD", "OMPI_UNIVERSE", "PMIX_", "PMI_", "SLURM_", "PBS_", "LSB_")


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
        return self.lines_with(" light curves done in ")[-1]

    @property
    def plan(self) -> str:
        """What the job found to do."""
        return self.lines_with(" to begin")[0]

    def lines_with(self, text: str) -> list[str]:
        stamped = [line for line in self.stderr.splitlines() if line[:2] == "20" and text in line]
        return [line.split(" ", 2)[2] for line in stamped]


def simulate(directory: Path, n_stars: int) -> list[Path]:
    """Short light curves of stars that flare often."""
    from cvzmpi.cvz.simulate import simulate_campaign

    return simulate_campaign(directory, n_stars, seed=7, n_cadences=N_CADENCES, active=True)


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that is no rank of anything."""
    clean = {key: v for key, v in os.environ.items() if not key.startswith(_OF_A_LAUNCHER)}
    return clean | more


def start(
    arguments: Sequence[str | Path],
    *,
    ranks: int | None = None,
    cwd: Path | None = None,
    program: Sequence[str] = ("-m", "cvzmpi"),
    wrapper: Sequence[str] = (),
    **more_environment: str,
) -> subprocess.Popen[str]:
    """Start a job; with `ranks=None` as a plain process, without mpirun."""
    launcher = [] if ranks is None else [str(MPIRUN), "-n", str(ranks)]
    return subprocess.Popen(
        [*wrapper, *launcher, sys.executable, *program, *map(str, arguments)],
        cwd=cwd,
        env=environment(**more_environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


_BEFORE_WORK = """
import os, signal, time
from {module} import {campaign}
work = {campaign}.work
def other_work(self, unit, team, control):
    if unit.name in {names}:
        {what}
    return work(self, unit, team, control)
{campaign}.work = other_work
from cvzmpi.cli import main
main()
"""
HANG = "time.sleep(1000)"
DIE = "os.kill(os.getpid(), signal.SIGKILL)"


def before_work_on(names: Sequence[str], what: str, campaign: type) -> list[str]:
    """cvzmpi as a `program` that hangs or dies before it works on one of these units."""
    module = campaign.__module__
    code = _BEFORE_WORK.format(
        module=module, campaign=campaign.__name__, names=list(names), what=what
    )
    return ["-c", code]


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
    members = [process.pid, *_descendants(process.pid)]
    for member in members:
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.communicate()


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Kill a job as soon as it has reached something; it must not end before."""
    give_up = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < give_up, "the job does not come to where it should be killed"
        time.sleep(0.001)
    kill(process)


def contents(directory: Path) -> dict[str, dict[str, object]]:
    """All datasets and attributes of all sector files, but for the times that stages took."""
    return {path.name: content(path) for path in sorted(directory.rglob("*.h5"))}


def content(path: Path) -> dict[str, object]:
    """All that is in one sector file, comparable to the last bit."""
    found: dict[str, object] = {}

    def attributes(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        for key, value in thing.attrs.items():
            if not key.startswith("seconds_"):
                found[f"{name}@{key}"] = (str(np.asarray(value).dtype), np.asarray(value).tolist())

    def visit(name: str, thing: h5py.Group | h5py.Dataset) -> None:
        attributes(name, thing)
        if isinstance(thing, h5py.Dataset):
            value = np.asarray(thing[()])
            bits = value.tolist() if value.dtype.hasobject else value.tobytes()
            found[name] = (thing.dtype.str, thing.shape, bits)

    with h5py.File(path, "r") as file:
        attributes("", file)
        file.visititems(visit)
    return found


BESIDE = ("ledger.sqlite*", "outbox", "logs")
"""What lies in an output directory beside the sector files, as patterns of names."""


def result_files(directory: Path) -> list[Path]:
    """Every file below a directory, but for the ledger and what belongs to it."""
    beside = {path for pattern in BESIDE for path in directory.glob(pattern)}
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and beside.isdisjoint({path, *path.parents})
    )


def bytes_of(directory: Path) -> dict[str, bytes]:
    """Every one of the `result_files`, as it is."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in result_files(directory)}


def copy_results(output: Path, copy: Path) -> None:
    """Copy an output directory without its ledger, so that the files in it can be changed.

    The ledger would not know of it. Without one, a job looks into all files.
    """
    shutil.copytree(output, copy, ignore=shutil.ignore_patterns(*BESIDE))


def rewind(path: Path, n_remaining: int | None) -> None:
    """Take a finished sector file back to where `n_remaining` flares were still to be injected.

    None takes it back to checkpoint 1, before the Gaussian process.
    """
    with edited(path) as file:
        if n_remaining is None:
            for group in ("flares", "injections", "recoveries"):
                del file[group]
            for name in ("gp_mu", "gp_sigma"):
                del file["lc"][name]
            for name in [name for name in file["lc"].attrs if name.startswith("gp_")]:
                del file["lc"].attrs[name]
            file.attrs["checkpoint"] = "detect"
            del file.attrs["seconds_inject"]
            file.attrs[CHECKSUM] = content_checksum(file)
        else:
            recovered = file["recoveries/recovered"]
            recovered[len(recovered) - n_remaining :] = False
            file["recoveries"].attrs["n_inject_remaining"] = np.int64(n_remaining)


def _descendants(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue  # it has ended
        parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(
            int(stat.parent.name)
        )
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
