"""The time left of a campaign, with an interval that holds the truth in 95 % of all cases.

What is left is played through many times, each time with another law of the durations that fits
those seen so far: the teams end what they work on, and take one unit after the other. So the
interval knows that nothing is known before the first units end, that teams which began together end
together, that the longest units come first, and that in the end the last unit counts, not the rate.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from cvzmpi.estimates.durations import (
    MOST_BEFORE_STEPS,
    NORMAL,
    Durations,
    Law,
    Work,
    by_steps,
    hazard_at,
    told_by_steps,
)
from cvzmpi.estimates.intervals import MIN_SECONDS, Estimate

MIN_DONE = 3
"""Units that must have ended, or are well under way, before anything is told."""

_MOST_DRAWS, _FEWEST_DRAWS = 100, 25
_MOST_UNITS = 20_000  # that are played through, in all draws together
_MOST_SINGLE = 600  # units that wait and are played through one by one
_MOST_GROUPS = 20  # of units that are not played through one by one
_MOST_RATIO = 8.0  # of an interval that is worth telling, above its middle
_UNKNOWN = 0.03  # relative error at best: machines and file systems change
_UNKNOWN_OF_UNIT = 0.05  # of the seconds of a unit at best
_STEPS_SCATTER = 0.1  # of the logarithm of a duration that is told by steps, from unit to unit
_DEVIATIONS = 2.3  # of logarithms on either side, for 95 % with so many draws


@dataclass(frozen=True)
class Waiting:
    """The units that have not begun: number, sum and sum of squares of their costs.

    Parameters
    ----------
    part : float
        The mean part of them that is left; less than 1 where some are half done.
    """

    n: int = 0
    cost: float = 0.0
    cost_squared: float = 0.0
    part: float = 1.0


@dataclass(frozen=True)
class Teams:
    """The teams that work.

    Parameters
    ----------
    n : int
        How many.
    share : float
        How much of the time each of them has a unit; less than 1 where they wait for input.
    """

    n: int
    share: float = 1.0


def remaining_seconds(
    done: Sequence[Work],
    at_work: Sequence[Work],
    waiting: Waiting,
    teams: Teams,
    n_before: int = 0,
) -> Estimate | None:
    """The seconds until all units are done, if the teams go on.

    Parameters
    ----------
    done : sequence of Work
        The units that ended last, each worked on from its beginning to its end.
    at_work : sequence of Work
        All that the teams work on now.
    n_before : int
        How many units ended before those in `done`.

    Returns
    -------
    Estimate or None
        None where nothing can be known yet, or nothing is left.
    """
    n_waiting = waiting.n
    durations = _known(done, at_work, n_waiting, n_before)
    if durations is None or not (at_work or n_waiting):
        return None
    random = Random(1)  # the same each time, so that the estimate is steady
    n_teams = max(teams.n, len(at_work), 1)
    n_single = min(n_waiting, max(2 * n_teams, 60), _MOST_SINGLE)
    n_draws = _MOST_UNITS // (n_single + len(at_work) + 1)
    laws = durations.draws(min(max(n_draws, _FEWEST_DRAWS), _MOST_DRAWS), random)
    costs = _costs(waiting, n_waiting - n_single, n_waiting)
    ends = [
        _play(law, durations, costs, n_teams, teams.share / waiting.part, random) for law in laws
    ]
    value, ratio = _middle_and_ratio([math.log(max(end, 0.1)) for end in ends])
    if n_waiting and ratio > _MOST_RATIO:
        return None
    last_cost = costs.last if n_waiting else at_work[-1].cost
    typical = laws[len(laws) // 2]
    of_unit = _UNKNOWN_OF_UNIT * typical.mean_seconds(last_cost, durations.place(n_waiting))
    return Estimate(value, max(value / ratio - of_unit, 0.0), value * ratio + of_unit)


def mean_seconds(done: Sequence[Work], at_work: Sequence[Work], n_waiting: int) -> Estimate | None:
    """The mean seconds that units take, like those that were done last and those at work.

    Returns
    -------
    Estimate or None
        None where nothing can be known yet.
    """
    durations = _known(done, at_work, n_waiting)
    if durations is None:
        return None
    recent = [*done, *at_work]
    costs = [work.cost for work in recent]
    typical = sum(costs) / len(costs)
    place = durations.place(0) / 2
    logs = [
        math.log(law.mean_seconds(typical, place))
        for law in durations.draws(_MOST_DRAWS, Random(1))
    ]
    value, ratio = _middle_and_ratio(logs)
    return None if ratio > _MOST_RATIO else Estimate(value, value / ratio, value * ratio)


def _middle_and_ratio(logs: Sequence[float]) -> tuple[float, float]:
    """The middle of values by their logarithms, and the ratio of the end of the interval to it."""
    middle = sum(logs) / len(logs)
    variance = sum((value - middle) ** 2 for value in logs) / (len(logs) - 1)
    return math.exp(middle), math.exp(_DEVIATIONS * math.sqrt(variance + _UNKNOWN**2))


def _known(
    done: Sequence[Work], at_work: Sequence[Work], n_waiting: int, n_before: int = 0
) -> Durations | None:
    """The durations, where enough is known of them."""
    under_way = [work for work in at_work if (work.fraction or 0.0) >= 0.2]
    enough = len(done) + len(under_way) >= MIN_DONE or (done and not n_waiting) or under_way
    if not enough or sum(work.seconds for work in [*done, *at_work]) < MIN_SECONDS:
        return None
    return Durations(done, at_work, n_waiting, n_before)


@dataclass(frozen=True)
class _Costs:
    """The costs of the units that wait, in their order.

    Parameters
    ----------
    groups : list of (cost, number)
        Of the first units, which keep all teams busy and are not played through one by one.
    single : list of float
        Of the last ones.
    """

    groups: list[tuple[float, int]]
    single: list[float]

    @property
    def last(self) -> float:
        """The cost of the last unit."""
        return self.single[-1]


def _costs(waiting: Waiting, n_together: int, n: int) -> _Costs:
    """The costs of n units, the longest first, if they are distributed log-normally."""
    if not n:
        return _Costs([], [])
    mean = waiting.cost / waiting.n if waiting.cost > 0 else 1.0
    relative = max(waiting.cost_squared / waiting.n / mean**2 - 1, 0.0)
    scatter = math.sqrt(math.log1p(relative))

    def cost(place: float) -> float:
        return mean * math.exp(scatter * NORMAL.inv_cdf(1 - place) - scatter**2 / 2)

    n_groups = min(n_together, _MOST_GROUPS)
    edges = [n_together * i // n_groups for i in range(n_groups + 1)] if n_groups else []
    groups = [(cost((begin + end) / 2 / n), end - begin) for begin, end in pairwise(edges)]
    return _Costs(groups, [cost((i + 0.5) / n) for i in range(n_together, n)])


def _play(
    law: Law,
    durations: Durations,
    costs: _Costs,
    n_teams: int,
    pace: float,
    random: Random,
) -> float:
    """The seconds until the last unit ends, if durations are distributed by a law.

    Parameters
    ----------
    pace : float
        How much faster than by the law a unit that has not begun goes.
    """
    before_steps = MOST_BEFORE_STEPS * random.random()
    free = [_residual(law, work, row, before_steps, random) for row, work in durations.at_work]
    free += [0.0] * (n_teams - len(free))
    number, together = 0, 0.0
    for cost, n in costs.groups:
        mean = law.mean_seconds(cost, durations.place(number + n // 2))
        relative = math.sqrt(math.expm1(min(law.scatter, 3.0) ** 2) / n)
        together += n * mean * max(1 + relative * random.gauss(0, 1), 0.1)
        number += n
    if together:  # so many that they keep all teams busy
        level = (sum(free) + together / pace) / n_teams
        spread = law.mean_seconds(costs.groups[-1][0], durations.place(number)) / pace
        free = [level + spread * (i + 0.5 - n_teams / 2) / n_teams for i in range(n_teams)]
    heapq.heapify(free)
    for i, cost in enumerate(costs.single):
        log_seconds = law.log_seconds(cost, durations.place(number + i))
        seconds = math.exp(log_seconds + law.scatter * random.gauss(0, 1))
        heapq.heapreplace(free, free[0] + seconds / pace)
    return max(free)


def _residual(
    law: Law, work: Work, row: tuple[float, float, float], before_steps: float, random: Random
) -> float:
    """The seconds that a unit at work still takes."""
    mean = law.level + law.exponent * row[1] + law.trend * row[2]
    scatter = law.scatter
    if told_by_steps(work):  # the law and the steps, each by its precision
        error = _STEPS_SCATTER * (1 - (work.fraction or 0.0)) + 0.02
        precision = scatter**-2 + error**-2
        mean = (mean * scatter**-2 + by_steps(work, before_steps) * error**-2) / precision
        scatter = precision**-0.5
    z = (work.as_whole - mean) / scatter
    if z > 5:  # it takes longer than any law says
        return work.seconds * scatter / hazard_at(z) * random.expovariate(1.0)
    below = NORMAL.cdf(z)
    drawn = NORMAL.inv_cdf(min(below + random.random() * (1 - below), 1 - 1e-12))
    return max(work.part * math.exp(mean + scatter * drawn) - work.seconds, 0.0)
