"""The kill sweep: SIGKILL of all ranks at random instants, again and again."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from cvzmpi.cvz.sector_file import Progress
from tools.torture.campaign import TortureCampaign, Watcher


@dataclass
class SweepResult:
    """What a sweep found.

    Attributes
    ----------
    kills : int
    campaigns : int
        Times that all light curves were finished, and begun anew.
    wrong : list of str
        Files that were unreadable or inconsistent after a kill, or differed at the end.
    lost : list of float
        Seconds of work lost at each kill: since the files last got further.
    stages : dict
        How many files stood at which stage when a kill came.
    """

    kills: int = 0
    campaigns: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    stages: dict[str, int] = field(default_factory=dict)

    def count_stages(self, states: dict[Path, Progress]) -> None:
        """Note at which stage the files stand."""
        for progress in states.values():
            in_place = 0 < progress.n_inject_remaining < progress.n_inject
            stage = "inject" if in_place else "done" if progress.done else progress.checkpoint
            self.stages[stage] = self.stages.get(stage, 0) + 1


def sweep(campaign: TortureCampaign, ranks: int, n_kills: int, seed: int) -> SweepResult:
    """Run the campaign to its end, again and again, until so many kills have come.

    Each job is killed at a random instant after it began to work; the next goes on.
    """
    chance = random.Random(seed)
    output = campaign.directory / f"sweep-{ranks}"
    result = SweepResult()
    shutil.rmtree(output, ignore_errors=True)
    while True:
        job = campaign.start(output, ranks)
        watcher = Watcher(campaign, output)
        while "to begin" not in job.text() and job.process.poll() is None:
            time.sleep(0.01)
        watcher.last_progress = begun = time.monotonic()
        kill_at = begun + (chance.uniform(0, 3.0) if result.kills < n_kills else 1e9)
        while time.monotonic() < kill_at and job.process.poll() is None:
            watcher.look()
            time.sleep(0.01)
        if job.process.poll() is None:
            job.kill()
            result.kills += 1
            result.lost.append(time.monotonic() - watcher.last_progress)
        status = job.wait()
        wrong = campaign.check(output)
        result.wrong += wrong
        if not wrong:
            result.count_stages(campaign.states(output))
        if status == 0:
            result.campaigns += 1
            result.wrong += campaign.check_finished(output)
            shutil.rmtree(output)
            if result.kills >= n_kills:
                return result
        elif status not in {-9, 137}:
            result.wrong.append(f"exit status {status}: {job.text()[-300:]}")
            return result
