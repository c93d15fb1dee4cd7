"""The durations of units still to come, from those that ended and those at work.

The logarithm of a unit's seconds is normal around a line:

    log seconds = level + exponent * log cost + trend * place,

with the place of the unit in the order of work, as a fraction of the campaign. The exponent says
how much of the cost, which is an expectation, comes true; the trend is what the cost does not know.
Units at work are not left out, since the short ones end first: one that has run for so long takes
at least so long.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

# What is supposed before anything is known, each as strong as a few units.
_EXPONENT = (0.5, 0.5)  # mean and standard deviation: the cost may tell nothing, or all
_TREND = (0.0, 0.4)  # from the first unit of a campaign to its last one, as a natural logarithm
_SCATTER, _WEIGHT = 0.1, 1.0  # standard deviation of the logarithms, and units that it counts for
_FEWEST_DEGREES = 3.0  # of freedom of the scatter
_ROUNDS = 8  # of the iteration for units at work, which moves little after five or so
_LEAST_FRACTION = 0.1  # of the steps, from which on they tell how long a unit takes
MOST_BEFORE_STEPS = 0.3
"""The most of a unit's time that goes by before its first step, in stages that have none."""

NORMAL = NormalDist()

Row = tuple[float, float, float]  # 1, logarithm of the cost, place
Moments = tuple[list[list[float]], list[float]]


@dataclass(frozen=True)
class Work:
    """The work on a unit that ended, or that goes on.

    Parameters
    ----------
    cost : float
        As in `scheduler.campaign.Unit`.
    began : float
        When, in seconds of any clock.
    seconds : float
        How long it took, or takes so far.
    fraction : float, optional
        Of a unit at work, which fraction of its steps is done; None where that is not known.
    part : float
        Of a unit that was half done before, which part of it was left.
    """

    cost: float
    began: float
    seconds: float
    fraction: float | None = None
    part: float = 1.0

    @property
    def as_whole(self) -> float:
        """The logarithm of the seconds that a whole unit took, or takes so far, at this pace."""
        return math.log(max(self.seconds, 1e-3) / self.part)


@dataclass(frozen=True)
class Law:
    """A way in which the durations of units may be distributed."""

    level: float
    exponent: float
    trend: float
    scatter: float
    _typical_cost: float
    _middle: float

    def log_seconds(self, cost: float, place: float) -> float:
        """The expected logarithm of the seconds of a unit."""
        return (
            self.level
            + self.exponent * math.log(max(cost, 1e-300) / self._typical_cost)
            + self.trend * (place - self._middle)
        )

    def mean_seconds(self, cost: float, place: float) -> float:
        """The mean of the seconds of many such units."""
        return math.exp(self.log_seconds(cost, place) + self.scatter**2 / 2)


class Durations:
    """Laws that fit the durations seen.

    Parameters
    ----------
    done : sequence of Work
        At least one.
    at_work : sequence of Work
    n_left, n_before : int
        How many units have not begun, and how many ended before those that are given.
    """

    def __init__(
        self, done: Sequence[Work], at_work: Sequence[Work], n_left: int, n_before: int = 0
    ) -> None:
        self.n_seen = len(done) + len(at_work)
        self._n_total = n_before + self.n_seen + n_left
        begun = sorted(work.began for work in [*done, *at_work])
        costs = [math.log(max(work.cost, 1e-300)) for work in [*done, *at_work]]
        self._typical_cost = math.exp(sum(costs) / len(costs))
        self._middle = self.n_seen / 2 / self._n_total

        def row(work: Work) -> Row:
            # those that began together have one place
            place = (bisect_left(begun, work.began) + bisect_right(begun, work.began)) / 2
            cost = math.log(max(work.cost, 1e-300) / self._typical_cost)
            return 1.0, cost, place / self._n_total - self._middle

        self._done = [(row(work), work.as_whole) for work in done]
        self.at_work = [(row(work), work) for work in at_work]
        self._fit()

    def place(self, n: int) -> float:
        """The place of the n-th unit that has not begun."""
        return (self.n_seen + n) / self._n_total

    def draws(self, n: int, random: Random) -> list[Law]:
        """Some of the laws that fit, the more likely ones more often."""
        laws = []
        for i in range(n):
            degrees = self._degrees
            chi2 = random.gammavariate(degrees / 2, 2.0)
            scatter = math.sqrt(self._scatter**2 * degrees / chi2)
            # the level matters most: its quantiles are taken in turn, for a steady result
            noise = [NORMAL.inv_cdf((i + 0.5) / n), random.gauss(0, 1), random.gauss(0, 1)]
            mean, lower = self._solve(scatter)
            shift = _solve_transposed(lower, noise)
            level, exponent, trend = (m + s for m, s in zip(mean, shift, strict=True))
            laws.append(Law(level, exponent, trend, scatter, self._typical_cost, self._middle))
        return laws

    # ------------------------------------------------------------- the fit

    def _fit(self) -> None:
        """Find the most likely line and scatter, with what is to be expected of units at work."""
        n_told = sum(told_by_steps(work) for _, work in self.at_work)
        self._moments = _moments((row, value, 1.0) for row, value in self._done)
        certain = self._moments
        sum_of_squares = sum(value**2 for _, value in self._done)
        self._scatter = _SCATTER
        beta, _ = self._solve(_SCATTER)
        for _ in range(_ROUNDS):
            working, weights, squares = [], 0.0, 0.0
            for row, work in self.at_work:
                value, weight, square = _expected(_dot(row, beta), self._scatter, work, n_told)
                working.append((row, value, weight))
                weights += weight
                squares += square
            self._moments = _added(certain, _moments(working))
            beta, _ = self._solve(self._scatter)
            squares += _squares(certain, sum_of_squares, beta)
            n = len(self._done) + len(self.at_work)
            self._scatter = math.sqrt((_WEIGHT * _SCATTER**2 + squares) / (_WEIGHT + n))
        # the line itself takes away some freedom, of which the priors give back a part
        self._degrees = max(_WEIGHT + len(self._done) + weights - 1, _FEWEST_DEGREES)
        self._scatter *= math.sqrt(max((_WEIGHT + len(self._done) + weights) / self._degrees, 1.0))

    def _solve(self, scatter: float) -> tuple[list[float], list[list[float]]]:
        """The most likely line for a scatter, and the Cholesky factor of its precision."""
        matrix, vector = self._moments
        variance = scatter**2
        precision = [[value / variance for value in line] for line in matrix]
        right = [value / variance for value in vector]
        for i, (mean, deviation) in ((1, _EXPONENT), (2, _TREND)):
            precision[i][i] += deviation**-2
            right[i] += mean * deviation**-2
        lower = _cholesky(precision)
        return _solve_transposed(lower, _solve_lower(lower, right)), lower


def told_by_steps(work: Work) -> bool:
    """True if the steps of a unit at work tell how long it takes."""
    return work.fraction is not None and work.fraction >= _LEAST_FRACTION


def by_steps(work: Work, before_steps: float) -> float:
    """The logarithm of the seconds that a unit takes, by its steps.

    Parameters
    ----------
    before_steps : float
        The fraction of its time that went by before the first step.
    """
    fraction = min(work.fraction or 0.0, 0.99)
    return work.as_whole - math.log(before_steps + (1 - before_steps) * fraction)


def _expected(mean: float, scatter: float, work: Work, n_told: int) -> tuple[float, float, float]:
    """What a unit at work says of the line: value, weight, and expected squared residual.

    Without steps it is the step of Newton's method for the likelihood that a unit takes longer than
    so far (a censored observation; Tobin 1958, Econometrica 26, 24). What all units have in common
    before their first step is an error that many of them make no smaller.
    """
    if told_by_steps(work):
        longest, shortest = by_steps(work, 0.0), by_steps(work, MOST_BEFORE_STEPS)
        value = (longest + shortest) / 2
        error = (longest - shortest) / math.sqrt(12)  # of a uniform distribution between them
        weight = scatter**2 / (scatter**2 + n_told * error**2)
        return value, weight, weight * (value - mean) ** 2 + (1 - weight) * scatter**2
    z = (work.as_whole - mean) / scatter
    hazard = hazard_at(z)
    weight = min(max(hazard * (hazard - z), 1e-9), 1.0)
    return mean + scatter * hazard / weight, weight, scatter**2 * (1 + z * hazard)


def hazard_at(z: float) -> float:
    """The density of a standard normal distribution over the probability of more than z."""
    if z > 8:
        return z + 1 / z  # the first terms of its asymptotic series
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (math.erfc(z / math.sqrt(2)) / 2)


# ----------------------------------------------------------------- linear algebra of three numbers


def _moments(rows: Iterable[tuple[Row, float, float]]) -> Moments:
    """The sums over rows, values and weights from which a line is fitted."""
    matrix, vector = [[0.0] * 3 for _ in range(3)], [0.0] * 3
    for row, value, weight in rows:
        for i in range(3):
            vector[i] += weight * row[i] * value
            for j in range(3):
                matrix[i][j] += weight * row[i] * row[j]
    return matrix, vector


def _added(a: Moments, b: Moments) -> Moments:
    matrix = [[x + y for x, y in zip(p, q, strict=True)] for p, q in zip(a[0], b[0], strict=True)]
    return matrix, [x + y for x, y in zip(a[1], b[1], strict=True)]


def _squares(moments: Moments, sum_of_squares: float, beta: Sequence[float]) -> float:
    """The sum of squared residuals from a line."""
    matrix, vector = moments
    explained = sum(beta[i] * _dot(matrix[i], beta) for i in range(3))
    return max(sum_of_squares - 2 * _dot(vector, beta) + explained, 0.0)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cholesky(matrix: list[list[float]]) -> list[list[float]]:
    lower = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(i + 1):
            rest = matrix[i][j] - sum(lower[i][k] * lower[j][k] for k in range(j))
            lower[i][j] = math.sqrt(max(rest, 1e-12)) if i == j else rest / lower[j][j]
    return lower


def _solve_lower(lower: list[list[float]], right: Sequence[float]) -> list[float]:
    found: list[float] = []
    for i in range(3):
        found.append((right[i] - sum(lower[i][k] * found[k] for k in range(i))) / lower[i][i])
    return found


def _solve_transposed(lower: list[list[float]], right: Sequence[float]) -> list[float]:
    found = [0.0] * 3
    for i in (2, 1, 0):
        found[i] = (right[i] - sum(lower[k][i] * found[k] for k in range(i + 1, 3))) / lower[i][i]
    return found
