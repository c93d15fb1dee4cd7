"""Rank 0: how many assignments a second it can make, and whether it holds up 10,000 teams."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tools.bench.measuring.cores import AVAILABLE, run_ranks
from tools.bench.measuring.timing import Samples, alternate, duration, number
from tools.bench.report.table import Row, times

N_RANKS = max(3, min(len(AVAILABLE), 9))
_MANY = 100  # leaders that ask again at once: rank 0 always has the next question
_BURST_SECONDS = 1.0  # what is asked in the first second is the start of the job
_UNITS_PER_TEAM = 3


def measure(repeats: int, n_units: int, n_teams: int, longest_unit: float) -> tuple[list[Row], str]:
    """Our scheduler and mpi4py.futures in turn, then the imitated teams.

    Returns
    -------
    rows : list of Row
    growth : str
        What so many teams ask for, beside what rank 0 can give.
    """
    n_tasks = n_units // 4

    def rate(n: int, module: str, *arguments: object) -> float:
        return n / float(_answer(module, *arguments)["seconds"])

    # With many leaders on the ranks beside rank 0; with one on each of them, as many as `futures`
    # has workers, each of which waits for its answer before it asks again; and `futures` itself.
    capacity, ours, futures = alternate(
        repeats,
        lambda: rate(n_units, "imitated_teams", _MANY, n_units, 0),
        lambda: rate(n_tasks, "imitated_teams", N_RANKS - 1, n_tasks, 0),
        lambda: rate(n_tasks, "futures", n_tasks),
    )
    empty = Row(
        "rank 0: assignments a second, empty work",
        f"`mpi4py.futures` {futures.text('/s')}",
        f"{capacity.text('/s')} with 100 leaders asking; with as many as `futures` has "
        f"workers {ours.text('/s')}",
        times(ours.median / futures.median),
        target=">= 10,000/s",
        met=capacity.median >= 10_000,
    )
    served, growth = _serve(n_teams, longest_unit, capacity)
    return [empty, served], growth


def _serve(n_teams: int, longest_unit: float, capacity: Samples) -> tuple[Row, str]:
    """Have rank 0 serve imitated teams, with units of `longest_unit` / 2 to `longest_unit` s."""
    n_units = _UNITS_PER_TEAM * n_teams
    answer = _answer("imitated_teams", n_teams, n_units, longest_unit)
    asked, waited = np.array(answer["waits"]).T
    at_start = asked < min(_BURST_SECONDS, longest_unit / 2)
    start_seconds = (asked + waited)[at_start].max()  # all ask at once
    # In between, all teams are at work: each has ended its first unit, none its last one.
    begin, end = longest_unit, _UNITS_PER_TEAM * longest_unit / 2
    assignments = np.count_nonzero((asked >= begin) & (asked < end)) / (end - begin)
    messages = assignments * (1 + answer["n_reports"] / n_units)  # questions, reports of progress
    wait, wait_99 = np.quantile(waited[~at_start], [0.5, 0.99])
    mean_unit = 0.75 * longest_unit
    idle = wait / (mean_unit + wait)
    row = Row(
        f"{n_teams:,} imitated teams, units of {mean_unit:.0f} s",
        "",
        f"{number(assignments)} assignments and {number(messages)} messages a second, each team "
        f"waits {duration(wait)} (99 %: {duration(wait_99)}), {idle:.2%} of its time",
        target="rank 0 not the limit: waits <= 0.1 %",
        met=bool(idle <= 1e-3),
    )
    return row, (
        f"- Rank 0 gave all {n_teams:,} imitated teams their first unit in "
        f"{start_seconds:.2f} s. Then they need {number(assignments)} assignments a second, of "
        f"the {number(capacity.median)} that it can make."
    )


def _answer(module: str, *arguments: object) -> dict[str, Any]:
    return dict(json.loads(run_ranks(N_RANKS, module, *map(str, arguments))))
