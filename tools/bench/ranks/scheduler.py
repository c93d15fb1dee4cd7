"""Rank 0: how many assignments a second it can make, and whether it holds up 10,000 teams."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from tools.bench.measuring.cores import AVAILABLE, run_ranks
from tools.bench.measuring.timing import Samples

N_RANKS = max(3, min(len(AVAILABLE), 9))
_MANY = 100  # leaders that ask again at once: rank 0 always has the next question
_BURST_SECONDS = 1.0  # what is asked in the first second is the start of the job


@dataclass
class Service:
    """How imitated teams were served.

    Attributes
    ----------
    n_teams : int
    unit_seconds : float
        Mean length of a unit.
    assignments_per_second, messages_per_second : float
        What the teams asked for between the start and the end of the job; messages are the
        questions and the reports of progress.
    start_seconds : float
        Until the last team had its first unit, all asking at once.
    wait_median, wait_99 : float
        Seconds from a leader's question to its next unit, after the start.
    """

    n_teams: int
    unit_seconds: float
    assignments_per_second: float
    messages_per_second: float
    start_seconds: float
    wait_median: float
    wait_99: float

    @property
    def idle_share(self) -> float:
        """The part of a team's time that goes to waiting for rank 0."""
        return self.wait_median / (self.unit_seconds + self.wait_median)


@dataclass
class SchedulerTimes:
    """Assignments a second with empty work, and the service of the teams.

    `capacity` is with many leaders on the ranks beside rank 0. `ours` is with one on each of them,
    as many as `futures` has workers, each of which waits for its answer before it asks again.
    """

    capacity: Samples
    ours: Samples
    futures: Samples
    service: Service


def measure(repeats: int, n_units: int, n_teams: int, longest_unit: float) -> SchedulerTimes:
    """Our scheduler and mpi4py.futures in turn, then the imitated teams."""
    capacity, ours, futures = [], [], []
    n_tasks = n_units // 4
    for _ in range(repeats):
        capacity.append(n_units / _seconds("imitated_teams", str(_MANY), str(n_units), "0"))
        ours.append(n_tasks / _seconds("imitated_teams", str(N_RANKS - 1), str(n_tasks), "0"))
        futures.append(n_tasks / _seconds("futures", str(n_tasks)))
    return SchedulerTimes(
        Samples.of(capacity),
        Samples.of(ours),
        Samples.of(futures),
        serve(n_teams, longest_unit),
    )


def serve(n_teams: int, longest_unit: float, units_per_team: int = 3) -> Service:
    """Have rank 0 serve imitated teams, with units of `longest_unit` / 2 to `longest_unit` s."""
    n_units = units_per_team * n_teams
    printed = run_ranks(N_RANKS, "imitated_teams", str(n_teams), str(n_units), str(longest_unit))
    answer = json.loads(printed)
    asked, waited = np.array(answer["waits"]).T
    at_start = asked < min(_BURST_SECONDS, longest_unit / 2)
    # In between, all teams are at work: each has ended its first unit, none its last one.
    begin, end = longest_unit, units_per_team * longest_unit / 2
    per_second = np.count_nonzero((asked >= begin) & (asked < end)) / (end - begin)
    unit_seconds = 0.75 * longest_unit
    reports = answer["n_reports"] / n_units * per_second
    return Service(
        n_teams=n_teams,
        unit_seconds=unit_seconds,
        assignments_per_second=float(per_second),
        messages_per_second=float(per_second + reports),
        start_seconds=float((asked + waited)[at_start].max()),
        wait_median=float(np.median(waited[~at_start])),
        wait_99=float(np.quantile(waited[~at_start], 0.99)),
    )


def _seconds(module: str, *arguments: str) -> float:
    return float(json.loads(run_ranks(N_RANKS, module, *arguments))["seconds"])
