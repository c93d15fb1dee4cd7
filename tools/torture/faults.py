"""Faults other than a clean kill: each ends in a clear message, nothing is lost, nothing hangs.

Each fault is a function that returns one line about what it saw, and raises `AssertionError` when
that is not what is promised, or `CannotTryError` where this machine does not allow it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import read_progress
from tools.harness.job_process import wait_until
from tools.harness.marked_job import MarkedJob
from tools.torture.main_job import TortureCampaign, states

FLIPS = 1000
RANKS = 3  # rank 0 and a team of two
SHIM = Path(__file__).with_name("clock_shim.c")


class CannotTryError(Exception):
    """A fault cannot be tried on this machine; says why."""


def one_rank_killed(campaign: TortureCampaign, output: Path) -> str:
    """SIGKILL of a single worker ends the whole job, non-zero."""
    job = _injecting(campaign, output)
    begun = time.monotonic()
    os.kill(job.ranks()[-1], signal.SIGKILL)
    status = job.wait()
    took = time.monotonic() - begun
    assert status != 0
    wait_until(lambda: not job.ranks(), "the end of the other ranks")
    return f"the job ended with status {status} after {took:.1f} s; {_finish(campaign, output)}"


def job_stopped_for_a_while(campaign: TortureCampaign, output: Path) -> str:
    """SIGSTOP of all ranks, as a suspending queue does, and SIGCONT."""
    job = _injecting(campaign, output)
    job.signal(signal.SIGSTOP)
    before = states(output)
    time.sleep(5)
    assert states(output) == before, "it is not stopped"
    job.signal(signal.SIGCONT)
    assert job.wait() == 0, job.text()
    return f"stood still for 5 s, then {_is_finished(campaign, output)}"


def disk_full(campaign: TortureCampaign, output: Path) -> str:
    """A full disk puts light curves off with a clear message; with room again, they are done."""
    largest = max(path.stat().st_size for path in sector_files(campaign.reference).values())
    with _small_disk(output, 5 * largest // 2):
        job = campaign.start(output, RANKS)
        status, put_off = job.wait(), job.lines_with(" is not finished: ")
        assert (status, job.lines_with(" failed ")) == (75, []), job.text()
        assert any("No space left on device" in line for line in put_off), job.text()
        wrong = list(campaign.wrong(output))
        assert not wrong, wrong
        n_done = sum(progress.done for progress in states(output).values())
        subprocess.run(["mount", "-o", f"remount,size={20 * largest}", output], check=True)
        said = (
            f"{len(put_off)} of {campaign.size.stars} put off with 'No space left on device', "
            f"{n_done} done"
        )
        return f"{said}; with room {_finish(campaign, output)}"


def output_removed(campaign: TortureCampaign, output: Path) -> str:
    """The output directory vanishes: light curves are put off clearly, and begin anew."""
    job = _injecting(campaign, output)

    def is_removed() -> bool:
        shutil.rmtree(output, ignore_errors=True)  # the job may make new files meanwhile
        return not output.exists()

    wait_until(is_removed, "the output directory to be empty")
    status, put_off = job.wait(), job.lines_with(" is not finished: ")
    assert (status, job.lines_with(" failed ")) == (75, []), job.text()
    assert put_off, job.text()
    return f"{len(put_off)} put off; {_finish(campaign, output)}"


def input_removed(campaign: TortureCampaign, output: Path) -> str:
    """Remove the input: a light curve that has a checkpoint needs its FITS file no more."""
    _interrupted(campaign, output)
    n_begun = len(states(output))
    with _hidden(campaign.input):
        job = campaign.start(output, RANKS)
        assert job.wait() == 0, job.text()
        assert [progress.done for progress in states(output).values()] == [True] * n_begun
    return f"{n_begun} begun, done without FITS; with FITS {_finish(campaign, output)}"


def input_removed_meanwhile(campaign: TortureCampaign, output: Path) -> str:
    """The FITS files vanish while the job runs: those not begun fail, each with one line."""
    job = _injecting(campaign, output)
    with _hidden(campaign.input):
        status, failures = job.wait(), job.lines_with(" failed ")
    n_done = sum(progress.done for progress in states(output).values())
    assert (status, n_done + len(failures)) == (1, campaign.size.stars), job.text()
    assert all("_lc.fits" in line and "No such file" in line for line in failures), failures
    return f"{n_done} done, {len(failures)} failed by name; with FITS {_finish(campaign, output)}"


def corrupted_byte(campaign: TortureCampaign, output: Path) -> str:
    """A damaged file is set aside, kept and said; its light curve is done anew."""
    places = {
        "in HDF5's signature": lambda file: file.userblock_size + 3,
        "in its first symbol table": lambda file: file.userblock_size + 200,
        "of the flux": lambda file: file["lc/flux"].id.get_offset() + 1001,
        "of the first recoveries": lambda file: file["recoveries/recovered"].id.get_offset(),
    }
    for where, place in places.items():
        shutil.rmtree(output, ignore_errors=True)
        victim = _interrupted(campaign, output)
        with h5py.File(victim, "r") as file:
            position = place(file)
        content = bytearray(victim.read_bytes())
        content[position] ^= 0x01
        victim.write_bytes(content)
        job = campaign.start(output, RANKS)
        assert job.wait() == 0, job.text()
        kept = victim.with_name(victim.name + ".damaged")
        assert kept.exists(), f"a flipped bit {where} is not found"
        assert kept.read_bytes() == content
        assert kept.name in job.text(), job.text()
        kept.unlink()
        finished = _is_finished(campaign, output)
    return f"a bit {', '.join(places)}: each found, the file kept, and {finished}"


def flipped_bits(campaign: TortureCampaign, output: Path) -> str:
    """A thousand single bits flipped in new files, and in files of earlier versions."""
    copies = output.with_name("copies")
    files = {"done": next(iter(sector_files(campaign.reference).values()))}
    for name, is_reached in {
        "detect": lambda progress: progress.checkpoint is Stage.DETECT,
        "half-done": lambda progress: 0 < progress.n_inject_remaining < progress.n_inject,
    }.items():
        shutil.rmtree(output, ignore_errors=True)
        job = campaign.start(output, RANKS)
        files[name] = _copy_when(job, is_reached, copies / name)
        job.kill()
    said = []
    for kind, options in {"new": (), "old": ("--old",)}.items():
        total: Counter[str] = Counter()
        slowest = 0.0
        for file in files.values():
            found = _flip_bits(file, FLIPS // len(files) + 1, *options)
            total.update({name: n for name, n in found.items() if isinstance(n, int)})
            slowest = max(slowest, found["slowest"])
        counts = ", ".join(f"{n} {name}" for name, n in total.items())
        said.append(f"{kind} files: {counts}, the slowest {slowest:.1f} s")
    shutil.rmtree(copies)
    return "; ".join(said)


def _copy_when(
    job: MarkedJob, is_reached: Callable[[SectorProgress], bool], directory: Path
) -> Path:
    """Copy the first sector file that is as far as wanted."""
    copies: list[Path] = []

    def is_copied() -> bool:
        assert not job.has_ended(), job.text()
        for path, progress in states(Path(job.mark)).items():
            if is_reached(progress):
                directory.mkdir(parents=True, exist_ok=True)
                copies.append(Path(shutil.copy(path, directory)))
                copied = read_progress(copies[-1])  # the job may have gone on meanwhile
                return copied is not None and is_reached(copied)
        return False

    wait_until(is_copied, "a sector file that is so far")
    return copies[-1]


def _flip_bits(file: Path, flips: int, *options: str) -> dict[str, Any]:
    """In a process of its own, which must not crash."""
    command = [sys.executable, "-m", "tools.torture.flipped_bits", str(file), f"--flips={flips}"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ended.returncode in (0, 1), f"{file}: status {ended.returncode}: {ended.stderr}"
    found: dict[str, Any] = json.loads(ended.stdout)
    assert not found.pop("wrong"), f"{file}: {ended.stdout}"
    return found


def clock_jump(campaign: TortureCampaign, output: Path) -> str:
    """The clock is set back an hour, and forth a day, while the job runs.

    The clock that the ranks see: the machine's own is left alone.
    """
    library, clock = campaign.directory / "clock_shim.so", campaign.directory / "clock"
    compiler = ["cc", "-shared", "-fPIC", "-O", "-o", library, SHIM, "-ldl"]
    try:
        subprocess.run(compiler, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotTryError(f"needs a C compiler: {error}") from error
    clock.write_bytes(struct.pack("l", 0))
    job = _injecting(campaign, output, ("env", f"LD_PRELOAD={library}"), CLOCK_SHIM_FILE=str(clock))
    for seconds in (-3600, 86400):
        with clock.open("r+b") as file:
            file.write(struct.pack("l", seconds))
        time.sleep(1)
    assert job.wait() == 0, job.text()
    days = [line[:10] for line in job.text().splitlines() if line[:2] == "20"]
    assert days[0] < days[-1], f"the clock did not jump: {job.text()}"
    return f"log from {days[0]} to {days[-1]}, and {_is_finished(campaign, output)}"


FAULTS = {
    fault.__name__: fault
    for fault in (
        one_rank_killed,
        job_stopped_for_a_while,
        disk_full,
        output_removed,
        input_removed,
        input_removed_meanwhile,
        corrupted_byte,
        flipped_bits,
        clock_jump,
    )
}


def _injecting(
    campaign: TortureCampaign, output: Path, wrapper: tuple[str, ...] = (), **environment: str
) -> MarkedJob:
    """A job whose first light curve has some injections done, and more to do."""
    job = campaign.start(output, RANKS, wrapper, **environment)

    def has_begun() -> bool:
        assert not job.has_ended(), job.text()
        return any(0 < p.n_inject_remaining < p.n_inject for p in states(output).values())

    wait_until(has_begun, "the first injections")
    return job


def _interrupted(campaign: TortureCampaign, output: Path) -> Path:
    """Kill a job in the middle of the injections; the file of that light curve."""
    _injecting(campaign, output).kill()
    return next(p for p, progress in states(output).items() if progress.n_inject_remaining > 0)


def _finish(campaign: TortureCampaign, output: Path) -> str:
    """Run the campaign to its end, and compare."""
    job = campaign.start(output, RANKS)
    assert job.wait() == 0, job.text()
    return _is_finished(campaign, output)


def _is_finished(campaign: TortureCampaign, output: Path) -> str:
    wrong = campaign.wrong_at_the_end(output)
    assert not wrong, wrong
    return "finished, nothing differs"


@contextmanager
def _hidden(directory: Path) -> Iterator[None]:
    hidden = directory.with_name("hidden")
    directory.rename(hidden)
    try:
        yield
    finally:
        hidden.rename(directory)


@contextmanager
def _small_disk(directory: Path, size: int) -> Iterator[None]:
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise CannotTryError(f"needs the right to mount a small tmpfs: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", directory], check=True)
