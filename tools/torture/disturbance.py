"""The loop of every torture: start a job, disturb it at a random instant, look, and go on.

A target says how its jobs are started and disturbed, and what is promised of what they leave.
"""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import click

from tools.harness.job_process import wait_until
from tools.harness.marked_job import MarkedJob


@dataclass
class Seen:
    """The disturbances of a campaign, and their outcome."""

    kinds: Counter[str] = field(default_factory=Counter)
    """Disturbances, by their kind."""

    campaigns: int = 0
    """That were finished."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    """What is not as promised, and which file, unit or job it is."""

    def count(self, what: str) -> int:
        """How much is wrong in a way."""
        return sum(kind == what for kind, _ in self.wrong)

    def say_what_is_wrong(self) -> int:
        """A line for each; how many."""
        for what, which in self.wrong:
            click.echo(f"NOT AS PROMISED: {what}: {which}")
        return len(self.wrong)


class Target(ABC):
    """A campaign whose jobs are disturbed."""

    n_jobs = 1
    """That run at a time."""

    @abstractmethod
    def start(self, chance: random.Random | None) -> MarkedJob:
        """Start a job that goes on with the campaign; without `chance` it is not disturbed."""

    @abstractmethod
    def disturb(self, job: MarkedJob, chance: random.Random) -> str | None:
        """Wait for a random instant, and disturb the job; None if it had ended, else what kind."""

    def look(self, job: MarkedJob) -> Iterable[tuple[str, str]]:
        """The faults after a disturbance; none for a target that is checked at the end only."""
        return ()

    @abstractmethod
    def finish(self, jobs: list[MarkedJob]) -> Iterable[tuple[str, str]]:
        """See the campaign through, and compare; what is wrong. The next one begins anew."""

    def is_done(self, jobs: list[MarkedJob]) -> bool:
        """True if there is nothing left to be disturbed."""
        return jobs[0].has_ended()

    def most(self, left: int, chance: random.Random) -> int:
        """Disturbances of one campaign."""
        return left


def disturb_campaigns(target: Target, n: int, chance: random.Random) -> Seen:
    """Run campaigns to their end, one after the other, until so many disturbances have come."""
    seen = Seen()
    while seen.campaigns == 0 or (seen.kinds.total() < n and not seen.wrong):
        disturb_campaign(target, target.most(n - seen.kinds.total(), chance), chance, seen)
    return seen


def disturb_campaign(
    target: Target, most: int, chance: random.Random, seen: Seen | None = None
) -> Seen:
    """Run one campaign to its end, with so many disturbances at most; adds to what was seen."""
    seen = seen or Seen()
    jobs: list[MarkedJob] = []
    n_before = seen.kinds.total()

    def start() -> MarkedJob:
        is_disturbed = seen.kinds.total() - n_before < most
        return target.start(chance if is_disturbed else None)

    try:
        jobs += [start() for _ in range(target.n_jobs)]
        while seen.kinds.total() - n_before < most and not target.is_done(jobs):
            which = chance.randrange(len(jobs))
            kind = target.disturb(jobs[which], chance)
            if kind is not None:
                seen.kinds[kind] += 1
                seen.wrong += target.look(jobs[which])
            elif target.is_done(jobs):
                break
            if jobs[which].has_ended():
                jobs[which] = start()
        seen.wrong += target.finish(jobs)
        seen.campaigns += 1
    finally:
        end_all(jobs)
    return seen


def end_all(jobs: Iterable[MarkedJob]) -> None:
    """Kill what still runs."""
    for job in jobs:
        if not job.has_ended():
            job.kill()


def wait_for_instant(
    job: MarkedJob, reached: Callable[[], object], what: str, seconds: float
) -> bool:
    """Wait until a job has reached something, and so many seconds more; False if it ended."""
    wait_until(lambda: job.has_ended() or reached(), what, interval=0.005)
    instant = time.monotonic() + seconds
    while time.monotonic() < instant and not job.has_ended():
        time.sleep(0.001)
    return not job.has_ended()
