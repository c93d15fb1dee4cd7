"""A small campaign to be tortured: its jobs, and what a correct run makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.sector_file import Progress, read_progress, sector_files
from cvzmpi.cvz.simulate import simulate_campaign
from cvzmpi.errors import DamagedFileError

ROOT = Path(__file__).resolve().parents[2]
N_STARS, N_CADENCES, N_INJECT, N_REPEAT = 4, 6000, 1200, 5


@dataclass
class Job:
    """A running job, in a process group of its own."""

    process: subprocess.Popen[str]
    output: Path
    log: Path

    def ranks(self) -> list[int]:
        """Process numbers of all ranks, and of mpirun where there is one.

        mpirun gives each rank a process group of its own, so they are known by their command line.
        """
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it ended
                if str(self.output) in entry.read_text().split("\0"):
                    found.append(int(entry.parent.name))
        return sorted(found)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to all ranks, and to mpirun, at once."""
        for process in self.ranks():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def wait(self, timeout: float = 300) -> int:
        """The exit status; a job that hangs is a failure."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
            raise AssertionError(f"the job hangs; its log: {self.log.read_text()}") from None

    def text(self) -> str:
        """What it printed so far."""
        return self.log.read_text()


class TortureCampaign:
    """Simulated light curves, and jobs on them.

    Parameters
    ----------
    directory : Path
        For everything: input, outputs, logs.
    interval : float
        Seconds between checkpoints of the injections.
    """

    def __init__(self, directory: Path, interval: float) -> None:
        self.directory = directory
        self.interval = interval
        self.input = directory / "input"
        simulate_campaign(self.input, N_STARS, seed=11, n_cadences=N_CADENCES)
        self.reference = directory / "reference"
        assert self.start(self.reference, ranks=1).wait() == 0, "the undisturbed run fails"

    def start(self, output: Path, ranks: int, *settings: str, **popen: object) -> Job:
        """Start a job; with 1 rank without mpirun, else all but rank 0 are one team."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI_", "PMI"))}
        command = [sys.executable, "-m", "cvzmpi", "run"]
        if ranks > 1:
            command = [str(ROOT / "tools/mpirun.sh"), "-n", str(ranks), *command]
        command += ["--input", str(self.input), "--output", str(output)]
        for setting in (
            f"inject.n_inject={N_INJECT}",
            f"inject.n_repeat={N_REPEAT}",
            f"checkpoint.interval={self.interval}",
            f"ranks_per_team={max(ranks - 1, 1)}",
            "job.max_attempts=1000000",  # these jobs are killed before they can get any further
            *settings,
        ):
            command += ["--set", setting]
        log = self.directory / "job.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT,
                start_new_session=True, text=True, **popen,  # type: ignore[call-overload]
            )  # fmt: skip
        return Job(process, output, log)

    def states(self, output: Path) -> dict[Path, Progress]:
        """How far each file is.

        Raises
        ------
        DamagedFileError
            If one cannot be read.
        """
        found = {}
        for path in sector_files(output).values():
            progress = read_progress(path)
            assert progress is not None
            found[path] = progress
        return found

    def check(self, output: Path) -> list[str]:
        """What is wrong with the files: they must hold what the undisturbed run has, so far.

        Returns
        -------
        list of str
            A line for each file that is unreadable or has other values; empty if all is well.
        """
        wrong = []
        for path in sector_files(output).values():
            try:
                progress = read_progress(path)
            except DamagedFileError as error:
                wrong.append(f"unreadable: {error}")
                continue
            assert progress is not None
            reference = self.reference / path.relative_to(output)
            n_done = progress.n_inject - progress.n_inject_remaining
            wrong += [
                f"inconsistent: {path}: {name}" for name in differing(path, reference, n_done)
            ]
        return wrong

    def check_finished(self, output: Path) -> list[str]:
        """What is wrong with a finished output directory."""
        ours, theirs = (
            {p.relative_to(d) for p in d.rglob("*.*")} for d in (output, self.reference)
        )
        wrong = self.check(output)
        wrong += [f"too much: {path}" for path in sorted(ours - theirs)]
        wrong += [f"missing: {path}" for path in sorted(theirs - ours)]
        wrong += [
            f"not done: {p}" for p, progress in self.states(output).items() if not progress.done
        ]
        return wrong


def differing(path: Path, reference: Path, n_done: int) -> list[str]:
    """Datasets of a file that differ from the reference, as far as the file says it is."""
    names = []

    def compare(name: str, item: object) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        ours, theirs = item[()], other[name][()]
        if name == "recoveries/recovered":
            ours, theirs = ours[:n_done], theirs[:n_done]
        if np.asarray(ours).tobytes() != np.asarray(theirs).tobytes():
            names.append(name)

    with h5py.File(path, "r", locking=False) as file, h5py.File(reference, "r") as other:
        file.visititems(compare)
    return names


class Watcher:
    """Looks, as often as it can, when the campaign's files last got further."""

    def __init__(self, campaign: TortureCampaign, output: Path) -> None:
        self._campaign = campaign
        self._output = output
        self._steps = -1
        self.last_progress = time.monotonic()

    def look(self) -> None:
        """Note the time if the files got further."""
        try:
            steps = sum(p.steps for p in self._campaign.states(self._output).values())
        except DamagedFileError:
            return  # looked at in the middle of a write
        if steps != self._steps:
            self._steps = steps
            self.last_progress = time.monotonic()
