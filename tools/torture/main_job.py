"""A small campaign to be tortured: its jobs, and what a correct run makes of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.sector_file.sector_file import STAGES, Progress, read_progress, sector_files, verify
from cvzmpi.cvz.simulation.simulate import simulate_campaign
from cvzmpi.errors import DamagedFileError
from tools.torture.metered_job import METER, Reading, read_meters

ROOT = Path(__file__).resolve().parents[2]
N_STARS, N_CADENCES, N_INJECT, N_REPEAT = 4, 6000, 1200, 5


@dataclass(frozen=True)
class Size:
    """How large a campaign is: light curves, and for each its cadences and injected flares."""

    stars: int
    cadences: int
    n_inject: int


USUAL = Size(N_STARS, N_CADENCES, N_INJECT)
SMALL = Size(3, 3000, 1200)

HANGS_AFTER = 120.0
"""Seconds; nothing here takes a tenth of it on a quiet machine."""


def wait_until(reached: Callable[[], object], what: str, seconds: float = HANGS_AFTER) -> None:
    """Wait for something; that it does not come is a failure."""
    give_up = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < give_up, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.01)


@dataclass
class Job:
    """A running job."""

    process: subprocess.Popen[str]
    output: Path
    log: Path
    meters: Path

    def ranks(self) -> list[int]:
        """Process numbers of all ranks, and of mpirun where there is one.

        mpirun gives each rank a process group of its own, so they are known by their command line.
        """
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it ended
                if str(self.output) in entry.read_text(errors="replace").split("\0"):
                    found.append(int(entry.parent.name))
        return sorted(found)

    def kill(self) -> None:
        """SIGKILL to all ranks, and to mpirun; returns when none is left."""

        def none_is_left() -> bool:
            self.signal(signal.SIGKILL)
            return self.has_ended() and not self.ranks()

        wait_until(none_is_left, "the end of killed processes")

    def signal(self, number: int) -> None:
        """Send a signal to all ranks, and to mpirun, at once."""
        for process in self.ranks():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def has_ended(self) -> bool:
        """Whether it is no longer there."""
        return self.process.poll() is not None

    def wait(self) -> int:
        """The exit status; a job that hangs is a failure."""
        try:
            return self.process.wait(HANGS_AFTER)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the job hangs; its log: {self.text()}") from None

    def text(self) -> str:
        """What it printed so far."""
        return self.log.read_text()

    def failures(self) -> list[str]:
        """What it said about light curves that failed, without date and time."""
        return [line[20:] for line in self.text().splitlines() if " failed " in line[:30]]

    def put_off(self) -> list[str]:
        """What it said about light curves that were put off, without date and time."""
        return [line[20:] for line in self.text().splitlines() if " is not finished: " in line]

    def reading(self) -> Reading:
        """What its meters say."""
        return read_meters(self.meters)


class TortureCampaign:
    """Simulated light curves, and jobs on them.

    Parameters
    ----------
    directory : Path
        For everything: input, outputs, logs.
    interval : float
        Seconds between checkpoints of the injections.
    size : Size

    Attributes
    ----------
    reference : Path
        What an undisturbed run makes.
    seconds : float
        That it took.
    """

    def __init__(self, directory: Path, interval: float, size: Size = USUAL) -> None:
        self.directory = directory
        self.interval = interval
        self._size = size
        self._jobs: list[Job] = []
        self.input = directory / "input"
        simulate_campaign(self.input, size.stars, seed=11, n_cadences=size.cadences)
        self.reference = directory / "reference"
        begun = time.monotonic()
        job = self.start(self.reference, ranks=1)
        assert job.wait() == 0, f"the undisturbed run fails: {job.text()}"
        self.seconds = time.monotonic() - begun

    def start(
        self,
        output: Path,
        ranks: int,
        wrapper: Iterable[str] = (),
        program: Iterable[str] = ("tools.torture.metered_job",),
        **more: str,
    ) -> Job:
        """Start a job; with 1 rank without mpirun, else all but rank 0 are one team.

        Parameters
        ----------
        output : Path
        ranks : int
        wrapper : iterable of str
            A program that starts each rank.
        program : iterable of str
            The module that each rank runs, and its own arguments.
        **more : str
            More environment.
        """
        meters = self.directory / "meters"
        shutil.rmtree(meters, ignore_errors=True)
        meters.mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMI"))}
        environment |= {METER: str(meters), **more}
        command = [*wrapper, sys.executable, "-m", *program, "run"]
        if ranks > 1:
            command = [str(ROOT / "tools/mpirun.sh"), "-n", str(ranks), *command]
        command += ["--input", str(self.input), "--output", str(output)]
        for setting in (
            f"inject.n_inject={self._size.n_inject}",
            f"inject.n_repeat={N_REPEAT}",
            f"checkpoint.interval={self.interval}",
            f"ranks_per_team={max(ranks - 1, 1)}",
            "job.max_attempts=1000000",  # these jobs are killed before they can get any further
        ):
            command += ["--set", setting]
        log = self.directory / "job.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_signals,
                text=True,
            )
        self._jobs.append(Job(process, output, log, meters))
        return self._jobs[-1]

    def end_jobs(self) -> None:
        """Kill whatever still runs: after a failure of this program, or of the job."""
        for job in self._jobs:
            if not job.has_ended():
                job.kill()
        self._jobs.clear()

    def stage_seconds(self) -> dict[str, float]:
        """The longest that each stage took in the undisturbed run."""
        seconds = dict.fromkeys(STAGES, 0.0)
        for path in sector_files(self.reference).values():
            with h5py.File(path, "r") as file:
                for stage in STAGES:
                    seconds[stage] = max(seconds[stage], float(file.attrs[f"seconds_{stage}"]))
        return seconds

    def wrong(self, output: Path) -> Iterator[tuple[str, str]]:
        """What is wrong with the files: they must hold what the undisturbed run has, so far.

        Yields
        ------
        what, which : str
            `unreadable` or `inconsistent`; the file, and why.
        """
        for path in sector_files(output).values():
            try:
                progress = read_progress(path)
                verify(path)
            except DamagedFileError as error:
                yield "unreadable", str(error)
                continue
            assert progress is not None
            n_done = progress.n_inject - progress.n_inject_remaining
            for name in differing(path, self.reference / path.relative_to(output), n_done):
                yield "inconsistent", f"{path}: {name}"

    def wrong_at_the_end(self, output: Path) -> list[str]:
        """What is wrong with a finished output directory; empty if all is well."""
        ours, theirs = (
            {p.relative_to(d) for p in d.glob("[0-9]*/*")} for d in (output, self.reference)
        )
        wrong = [f"{what}: {which}" for what, which in self.wrong(output)]
        wrong += [f"too much: {path}" for path in sorted(ours - theirs)]
        wrong += [f"missing: {path}" for path in sorted(theirs - ours)]
        wrong += [f"not done: {p}" for p, progress in states(output).items() if not progress.done]
        return wrong


def _heed_signals() -> None:
    """Have a job take the signals of terminals, also where this program was told to ignore them."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def states(output: Path) -> dict[Path, Progress]:
    """How far each readable file is."""
    found = {}
    for path in sector_files(output).values():
        with suppress(DamagedFileError):
            progress = read_progress(path)
            if progress is not None:
                found[path] = progress
    return found


def differing(path: Path, reference: Path, n_done: int) -> list[str]:
    """Datasets of a file that differ from the reference, as far as the file says it is."""
    names = []

    def compare(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        ours, theirs = item[()], other[name][()]
        if item.parent.name == "/recoveries":
            ours, theirs = ours[:n_done], theirs[:n_done]
        if np.asarray(ours).tobytes() != np.asarray(theirs).tobytes():
            names.append(name)

    with h5py.File(path, "r", locking=False) as file, h5py.File(reference, "r") as other:
        file.visititems(compare)
    return names
