"""Kill `cvzmpi level2 run` at random instants, again and again; compare with an undisturbed run.

All files must be the same, byte by byte, and the ledger must tell of one result for each program;
in every mode of the inversion. Each job has other numbers of ranks and teams than the last.

python -m tools.torture.inversion, or make torture-inversion
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import h5py
import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.ledger import Ledger
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.maps.map_names import INVERTED_SUFFIX
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.harness import job_process
from tools.harness.invented_programs import invent_programs
from tools.harness.inversion_modes import MODES, as_options, settings_of
from tools.harness.job_process import ROOT
from tools.harness.marked_job import MarkedJob
from tools.torture.disturbance import Target, disturb_campaigns, wait_for_instant
from tools.torture.ledger_history import wrong_in_ledger

PROGRAMS = {"small": [(4, 100)], "two-maps": [(3, 150), (3, 150)], "large": [(10, 200)]}


_SLOW = 900.0
"""Seconds in which a job ends that inverts all programs on a busy machine."""

JOBS = [(None, 1), (2, 1), (3, 1), (3, 2), (4, 3)]
"""Numbers of ranks, one of which schedules where there are several, and ranks that share a map."""


class KilledInversion(Target):
    """Jobs of `level2 run`, killed.

    `tickets_done` are those at each kill.

    Parameters
    ----------
    options : list of str
        Of the command, beside those of the campaign.
    jobs : sequence of tuple
        Ranks and ranks per team, of which each job has some.
    """

    def __init__(
        self, directory: Path, options: list[str], jobs: Sequence[tuple[int | None, int]] = JOBS
    ) -> None:
        self._invented, self._campaign = directory / "invented", directory / "campaign"
        self._options, self._jobs = options, jobs
        self.tickets_done: list[int] = []
        invent_programs(self._invented, PROGRAMS)
        self._begin_anew()
        job = self._start(None, 1)
        assert job.wait(_SLOW) == 0, f"the undisturbed run fails: {job.text()}"
        self._expected = self._bytes()
        self._begin_anew()

    def _begin_anew(self) -> None:
        shutil.rmtree(self._campaign, ignore_errors=True)
        shutil.copytree(self._invented, self._campaign)

    def start(self, chance: random.Random | None) -> MarkedJob:
        """Start a job."""
        ranks, team = (chance or random.Random(0)).choice(self._jobs)
        return self._start(ranks, team)

    def _start(self, ranks: int | None, team: int) -> MarkedJob:
        log, mark = self._campaign / "job.log", f"maps.directory={self._campaign / 'maps'}"
        arguments = ["level2", "run", "--ranks-per-team", str(team), "--set", mark]
        for setting in (
            f"ledger.file={self._campaign / 'ledger.sqlite'}",
            "checkpoint.interval=0.1",
            "job.max_attempts=1000",  # a kill before the first checkpoint uses up an attempt
        ):
            arguments += ["--set", setting]
        arguments += self._options
        return MarkedJob(job_process.start(arguments, ranks=ranks, cwd=ROOT, log=log), mark, log)

    def disturb(self, job: MarkedJob, chance: random.Random) -> str | None:
        """Kill it some time after it began to work."""
        before = self._traces()
        is_at_work = lambda: self._traces() != before  # noqa: E731
        if not wait_for_instant(job, is_at_work, "the beginning of work", chance.uniform(0, 1.2)):
            return None
        job.kill()
        return "SIGKILL"

    def look(self, job: MarkedJob) -> Iterator[tuple[str, str]]:
        """Check that the pixels for which the files vouch are there."""
        n_tickets = 0
        for path in self._files():
            try:
                progress = inversion_file.read_progress(path)
            except MapFileError as error:
                yield "unreadable", str(error)
                continue
            assert progress is not None
            n_tickets += progress.n_tickets_done
            n_inverted, n_pixels = _inverted(path)
            if progress.done and n_inverted < n_pixels:
                yield "inconsistent", f"{path}: done, and {n_pixels - n_inverted} pixels are not"
        self.tickets_done.append(n_tickets)

    def finish(self, jobs: list[MarkedJob]) -> Iterator[tuple[str, str]]:
        """The job ends; each program is done once, with an inversion of each map."""
        (job,) = jobs
        if (status := job.wait(_SLOW)) != 0:
            yield "other", f"exit status {status}: {job.text()[-300:]}"
        if self._bytes() != self._expected:
            yield "differing", "files are not those of the undisturbed run"
        for path in (self._campaign / "maps" / "inverted").glob("*.damaged*"):
            yield "damaged", str(path)
        location = self._campaign / "ledger.sqlite"
        yield from wrong_in_ledger(location, self._campaign / "maps" / "outbox")
        with Ledger.open(location, create=False) as ledger:
            for name, shapes in PROGRAMS.items():
                n_inversions = len(Catalogue(ledger).inversions(name))
                if n_inversions != len(shapes):
                    yield "ledger", f"{name}: {n_inversions} inversions of {len(shapes)} maps"
        self._begin_anew()

    def _files(self) -> Iterator[Path]:
        return (self._campaign / "maps" / "inverted").glob(f"*{INVERTED_SUFFIX}")

    def _bytes(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self._files()}

    def _traces(self) -> int:
        """The files that the work leaves, and the pixels in them, vouched for or not."""
        return sum(1 + _inverted(path)[0] for path in self._files())


def _inverted(path: Path) -> tuple[int, int]:
    """Pixels of a file that are inverted, vouched for or not, and all of them."""
    with h5py.File(path, locking=False) as file:
        return int(np.count_nonzero(file["status"][()])), file["status"].size


@click.command(context_settings=HELP_OPTIONS)
@click.option("--kills", default=20, show_default=True, help="SIGKILL to all processes of a job.")
@click.option("--ranks", type=int, help="One of them schedules.  [default: changing]")
@click.option("--team", default=1, show_default=True, help="With --ranks: how many share a map.")
@click.option("--mode", "modes", type=click.Choice(list(MODES)), multiple=True, default=list(MODES))
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
def main(kills: int, ranks: int | None, team: int, modes: tuple[str, ...], seed: int) -> None:
    """Torture the inversion: so many kills in each mode."""
    jobs = JOBS if ranks is None else [(ranks, team)]
    n_wrong = 0
    with tempfile.TemporaryDirectory(prefix="cvzmpi-kills-") as name:
        for mode in modes:
            options = as_options(settings_of(mode, Path(name) / "tables"))
            target = KilledInversion(Path(name) / mode, options, jobs)
            seen = disturb_campaigns(target, kills, random.Random(seed))
            click.echo(
                f"{mode}: {seen.kinds.total()} kills, {seen.campaigns} campaigns finished, "
                f"{len(seen.wrong)} things wrong; tickets that were done when a kill came: "
                f"{sorted(target.tickets_done)}"
            )
            n_wrong += seen.say_what_is_wrong()
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()
