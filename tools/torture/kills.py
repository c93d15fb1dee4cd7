"""The kill sweep: SIGKILL of all ranks at random instants of all stages, again and again."""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.cvz.sector_file.sector_file import read_progress
from cvzmpi.errors import DamagedFileError
from tools.torture.main_job import Job, TortureCampaign, states, wait_until
from tools.torture.metered_job import Reading

START_UP = "start-up"
MOMENTS = (START_UP, "download, detect", "model", "inject")
_AFTER = {"detect": "model", "model": "inject"}  # what is done once a checkpoint is there


@dataclass
class SweepResult:
    """What a sweep found.

    Attributes
    ----------
    kills : Counter
        By what was being done when they came, as the files and claims say afterwards.
    campaigns : int
        Times that all light curves were finished, and begun anew.
    n_files : int
        Files looked at after kills.
    wrong : list of (what, which)
        Files that are `unreadable` or `inconsistent` after a kill, `went back` behind what they
        were before the job, or `differing` at the end; or jobs that ended in an `other` way.
    readings : list of Reading
        Of the meters at each kill that came during injections.
    """

    kills: Counter[str] = field(default_factory=Counter)
    campaigns: int = 0
    n_files: int = 0
    wrong: list[tuple[str, str]] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    def count(self, what: str) -> int:
        """How much is wrong in a way."""
        return sum(kind == what for kind, _ in self.wrong)


def sweep(campaign: TortureCampaign, ranks: int, n_kills: int, seed: int) -> SweepResult:
    """Run the campaign to its end, again and again, until so many kills have come.

    For each job a stage is drawn, and an instant within its usual length; the next job goes on.
    """
    chance = random.Random(seed)
    output = campaign.directory / f"sweep-{ranks}"
    lengths = _lengths(campaign)
    result = SweepResult()
    while True:
        before = states(output)
        job = campaign.start(output, ranks)
        if result.kills.total() < n_kills:
            moment = chance.choice(MOMENTS)
            _wait_for(moment, job, chance.uniform(0, lengths[moment]))
        else:
            job.wait()
        if not job.has_ended():
            job.kill()
            _look_at_what_is_left(campaign, job, result)
        elif job.wait() == 0:
            result.wrong += [("differing", w) for w in campaign.wrong_at_the_end(output)]
            result.campaigns += 1
            shutil.rmtree(output)
            if result.kills.total() >= n_kills:
                return result
        else:
            result.wrong.append(("other", f"exit status {job.wait()}: {job.text()[-300:]}"))
            return result
        after = states(output)
        if after:
            result.wrong += [
                ("went back", str(path))
                for path, progress in before.items()
                if path not in after or after[path].steps < progress.steps
            ]


def _lengths(campaign: TortureCampaign) -> dict[str, float]:
    """How long each moment usually is, in s; a little more, so that its end is met too."""
    seconds = campaign.stage_seconds()
    return {
        START_UP: 2.0,
        "download, detect": 1.2 * (seconds["download"] + seconds["detect"]),
        "model": 1.2 * seconds["model"],
        "inject": 1.2 * seconds["inject"],
    }


def _wait_for(moment: str, job: Job, delay: float) -> None:
    """Until the job is at some light curve's stage, and then a while; or until it ends."""
    if moment != START_UP:
        wait_until(lambda: job.has_ended() or moment in _at_work(job.output), moment)
    instant = time.monotonic() + delay
    while time.monotonic() < instant and not job.has_ended():
        time.sleep(0.001)


def _at_work(output: Path) -> list[str]:
    """What is being done with the light curves that a job has claimed, or had when it died."""
    found = []
    for claim in output.glob("*/*.claim"):
        with suppress(DamagedFileError):
            progress = read_progress(claim.with_suffix(".h5"))
            stage = "download, detect" if progress is None else _AFTER[progress.checkpoint]
            found.append(stage)
    return found


def _look_at_what_is_left(campaign: TortureCampaign, job: Job, result: SweepResult) -> None:
    result.wrong += campaign.wrong(job.output)
    result.n_files += len(states(job.output))
    begun = "to begin" in job.text()
    moment = (_at_work(job.output) or [START_UP])[0] if begun else START_UP
    result.kills[moment] += 1
    if moment == "inject":
        result.readings.append(job.reading())
