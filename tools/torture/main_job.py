"""A small campaign of light curves to be tortured: its jobs, and what a correct run makes of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import h5py

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import read_progress, verify_sector_file
from cvzmpi.cvz.simulation.simulate import simulate_campaign
from cvzmpi.errors import DamagedFileError
from tools.harness import job_process
from tools.harness.hdf5_content import bits, contents, values
from tools.harness.job_process import ROOT
from tools.harness.marked_job import HEEDS_SIGNALS, MarkedJob
from tools.torture.disturbance import end_all
from tools.torture.metered_job import METER

N_REPEAT = 5


@dataclass(frozen=True)
class Size:
    """How large a campaign is: light curves, and for each its cadences and injected flares."""

    stars: int
    cadences: int
    n_inject: int


USUAL = Size(4, 6000, 1200)
SMALL = Size(3, 3000, 1200)


class TortureCampaign:
    """Simulated light curves, and jobs on them, which write a checkpoint each `interval` seconds.

    An undisturbed run made `reference`, in `seconds`; `meters` has those of the latest job.
    """

    def __init__(self, directory: Path, interval: float, size: Size = USUAL) -> None:
        self.directory = directory
        self.interval = interval
        self.size = size
        self._jobs: list[MarkedJob] = []
        self.input, self.meters = directory / "input", directory / "meters"
        simulate_campaign(self.input, size.stars, seed=11, n_cadences=size.cadences)
        self.reference = directory / "reference"
        begun = time.monotonic()
        job = self.start(self.reference, ranks=1)
        assert job.wait() == 0, f"the undisturbed run fails: {job.text()}"
        self.seconds = time.monotonic() - begun
        self._expected = contents(self.reference)

    def start(
        self,
        output: Path,
        ranks: int,
        rank_wrapper: Sequence[str] = (),
        program: Sequence[str] = ("tools.torture.metered_job",),
        **environment: str,
    ) -> MarkedJob:
        """Start a job; with 1 rank without mpirun, else all but rank 0 are one team.

        Parameters
        ----------
        rank_wrapper : sequence of str
            A program that starts each rank.
        program : sequence of str
            The module that each rank runs, and its own arguments.
        """
        shutil.rmtree(self.meters, ignore_errors=True)
        self.meters.mkdir()
        arguments = ["run", "--input", str(self.input), "--output", str(output)]
        for setting in (
            f"inject.n_inject={self.size.n_inject}",
            f"inject.n_repeat={N_REPEAT}",
            f"checkpoint.interval={self.interval}",
            f"ranks_per_team={max(ranks - 1, 1)}",
            "job.max_attempts=1000000",  # these jobs are killed before they can get any further
        ):
            arguments += ["--set", setting]
        log = self.directory / "job.log"
        log.unlink(missing_ok=True)
        process = job_process.start(
            arguments,
            ranks=ranks if ranks > 1 else None,
            cwd=ROOT,
            program=("-m", *program),
            wrapper=HEEDS_SIGNALS,
            rank_wrapper=rank_wrapper,
            log=log,
            **{METER: str(self.meters), **environment},
        )
        self._jobs.append(MarkedJob(process, str(output), log))
        return self._jobs[-1]

    def end_jobs(self) -> None:
        """Kill whatever still runs: after a failure of this program, or of the job."""
        end_all(self._jobs)
        self._jobs.clear()

    def stage_seconds(self) -> dict[str, float]:
        """The longest that each stage took in the undisturbed run."""
        seconds = dict.fromkeys(Stage, 0.0)
        for path in sector_files(self.reference).values():
            with h5py.File(path, "r") as file:
                for stage in Stage:
                    seconds[stage] = max(seconds[stage], float(file.attrs[f"seconds_{stage}"]))
        return seconds

    def wrong(self, output: Path) -> Iterator[tuple[str, str]]:
        """List the faults of the files, which must hold what the undisturbed run has, so far.

        Yields
        ------
        what, which : str
            `unreadable` or `inconsistent`; the file, and why.
        """
        for path in sector_files(output).values():
            try:
                progress = read_progress(path)
                verify_sector_file(path)
            except DamagedFileError as error:
                yield "unreadable", str(error)
                continue
            assert progress is not None
            n_done = progress.n_inject - progress.n_inject_remaining
            for name in differing(path, self.reference / path.relative_to(output), n_done):
                yield "inconsistent", f"{path}: {name}"

    def wrong_at_the_end(self, output: Path) -> list[tuple[str, str]]:
        """List the faults of a finished output directory; none if all is well."""
        ours, theirs = (
            {p.relative_to(d) for p in d.glob("[0-9]*/*")} for d in (output, self.reference)
        )
        wrong = list(self.wrong(output))
        wrong += [("too much", str(path)) for path in sorted(ours - theirs)]
        wrong += [("missing", str(path)) for path in sorted(theirs - ours)]
        found = contents(output)
        for file in sorted(found.keys() & self._expected.keys()):
            pairs = found[file].items() ^ self._expected[file].items()
            wrong += [("differing", f"{file}: {name}") for name in sorted({n for n, _ in pairs})]
        return wrong


def states(output: Path) -> dict[Path, SectorProgress]:
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
    ours, theirs = values(path), values(reference)
    names = [name for name in ours if "@" not in name]
    rows = {name: slice(n_done) for name in names if name.startswith("recoveries/")}
    return [
        name
        for name in names
        if bits(ours[name][rows.get(name, ...)]) != bits(theirs[name][rows.get(name, ...)])
    ]
