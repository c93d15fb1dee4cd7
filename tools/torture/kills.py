"""SIGKILL of all ranks of the main job at random instants of all stages, again and again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cvzmpi.cvz.sector_file.data import SectorProgress
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.errors import DamagedFileError
from tools.harness.marked_job import MarkedJob
from tools.torture.disturbance import Target, wait_for_instant
from tools.torture.main_job import TortureCampaign, states
from tools.torture.metered_job import Reading, read_meters

START_UP = "start-up"
MOMENTS = (START_UP, "download, detect", "model", "inject")
_AFTER = {"detect": "model", "model": "inject"}  # what is done once a checkpoint is there


class KilledMainJob(Target):
    """Jobs on light curves, killed.

    For each job a stage is drawn, and an instant within its usual length; the next job goes on. The
    kind of a kill is what was being done when it came, as the files and claims say afterwards.

    Wrong are files that are `unreadable` or `inconsistent` after a kill, `went back` behind what
    they were before the job, or `differing`, `missing` or `too much` at the end; and jobs that
    ended in an `other` way. `n_files` counts the files looked at after kills; `readings` are those
    of the meters at each kill that came during injections.
    """

    def __init__(self, campaign: TortureCampaign, ranks: int) -> None:
        self._campaign, self._ranks = campaign, ranks
        self._output = campaign.directory / f"killed-{ranks}"
        seconds = campaign.stage_seconds()
        # A little more than each usually takes, so that its end is met too.
        self._lengths = {
            START_UP: 2.0,
            "download, detect": 1.2 * (seconds["download"] + seconds["detect"]),
            "model": 1.2 * seconds["model"],
            "inject": 1.2 * seconds["inject"],
        }
        self._before: dict[Path, SectorProgress] = {}
        self.n_files = 0
        self.readings: list[Reading] = []

    def start(self, chance: random.Random | None) -> MarkedJob:
        """Start a job, and keep in mind how far the files are."""
        self._before = states(self._output)
        return self._campaign.start(self._output, self._ranks)

    def disturb(self, job: MarkedJob, chance: random.Random) -> str | None:
        """Kill it in a stage."""
        moment = chance.choice(MOMENTS)
        seconds = chance.uniform(0, self._lengths[moment])
        is_there = lambda: moment == START_UP or moment in self._at_work()  # noqa: E731
        if not wait_for_instant(job, is_there, moment, seconds):
            return None
        job.kill()
        moment = (self._at_work() or [START_UP])[0] if "to begin" in job.text() else START_UP
        if moment == "inject":
            self.readings.append(read_meters(self._campaign.meters))
        return moment

    def look(self, job: MarkedJob) -> Iterator[tuple[str, str]]:
        """Files are whole, and as far as before, or further."""
        yield from self._campaign.wrong(self._output)
        after = states(self._output)
        self.n_files += len(after)
        for path, progress in self._before.items():
            if path not in after or after[path].steps < progress.steps:
                yield "went back", str(path)

    def finish(self, jobs: list[MarkedJob]) -> Iterator[tuple[str, str]]:
        """The job ends, and its files are those of the undisturbed run."""
        (job,) = jobs
        if (status := job.wait()) != 0:
            yield "other", f"exit status {status}: {job.text()[-300:]}"
        yield from self._campaign.wrong_at_the_end(self._output)
        shutil.rmtree(self._output)

    def _at_work(self) -> list[str]:
        """The stages of the light curves that a job has claimed, or had when it died."""
        found = []
        for claim in self._output.glob("*/*.claim"):
            with suppress(DamagedFileError):
                progress = read_progress(claim.with_suffix(".h5"))
                found.append(
                    "download, detect" if progress is None else _AFTER[progress.checkpoint]
                )
        return found
