"""The effective time: what a search of limited completeness was worth at each flare size.

A light curve searched for T days with completeness C(ED) finds as many flares of equivalent
duration ED as a perfect search of T C(ED) days. Of a star, this is summed over its light curves,
each with the completeness of its own search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cvzmpi.cvz.results.products.completeness import CompletenessCurve, first_reaching

_MAX_STEP = 0.25  # of the logarithm; the integrands fall by less than exp(-8) over it
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)
_TAIL_NODES, _TAIL_WEIGHTS = np.polynomial.laguerre.laggauss(8)


@dataclass(frozen=True)
class EffectiveTime:
    """Days of perfect search, piecewise linear in the logarithm of the equivalent duration."""

    # float64, shape (n_knots,); natural logarithm of the equivalent duration in s, increasing
    log_duration: np.ndarray
    days: np.ndarray  # float64, shape (n_knots,); constant before the first and after the last knot
    searched: float  # days of search, of whatever completeness
    # float64, shape (n_draws, n_knots); equally likely values of `days`, as uncertain as the
    # completeness is. None where its uncertainty is not asked for.
    draws: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @classmethod
    def of_light_curves(
        cls, curves: Sequence[CompletenessCurve], searched: Sequence[float]
    ) -> EffectiveTime:
        """Sum over light curves, of completeness by equivalent duration and of days searched.

        A light curve of which nothing is known of the completeness adds no day of perfect search.
        """
        knots = np.unique(np.concatenate([curve.log_size for curve in curves]))
        if not len(knots):
            return cls(np.zeros(1), np.zeros(1), float(sum(searched)))
        days = sum(
            time * curve(np.exp(knots))
            for curve, time in zip(curves, searched, strict=True)
            if len(curve.log_size)
        )
        draws = np.zeros((min(len(curve.draws) for curve in curves), len(knots)))
        for number, (curve, time) in enumerate(zip(curves, searched, strict=True)):
            # in another order for each: the errors of light curves are independent, while their
            # draws come from the same random numbers
            order = np.random.default_rng(number).permutation(len(curve.draws))[: len(draws)]
            if len(curve.log_size):
                draws += time * _rows_interpolated(knots, curve.log_size, curve.draws[order])
        return cls(knots, np.asarray(days), float(sum(searched)), draws)

    @classmethod
    def perfect(cls, searched: float) -> EffectiveTime:
        """A search that finds everything."""
        return cls(np.zeros(1), np.full(1, searched), searched)

    @property
    def without_draws(self) -> EffectiveTime:
        """The same, where its uncertainty is not asked for: much faster in integrals."""
        return EffectiveTime(self.log_duration, self.days, self.searched)

    def at(self, duration: np.ndarray) -> np.ndarray:
        """Days of perfect search for flares of this equivalent duration in s."""
        return np.interp(np.log(duration), self.log_duration, self.days)

    def complete_from(self, fraction: float) -> float:
        """The equivalent duration in s from which on this fraction of the flares is found.

        The first knot where even the smallest are found more often. NaN where it is never reached,
        and where nothing is found: of no time searched, any share would be found at every size.
        """
        days = fraction * self.searched
        if not np.any((self.days >= days) & (self.days > 0)):
            return math.nan
        return first_reaching(days, self.days, self.log_duration)

    def quadrature(self, lower: float, upper: float) -> Quadrature:
        """Prepare for integrals over the equivalent durations from `lower` to `upper`."""
        start, stop = math.log(lower), math.log(upper)
        inside = self.log_duration[(self.log_duration > start) & (self.log_duration < stop)]
        end = stop if math.isfinite(stop) else max(start, self.log_duration[-1])
        edges = _refined(np.unique(np.concatenate([[start], inside, [end]])) - start)
        middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
        x = (middle[:, None] + half[:, None] * _NODES).ravel()
        weight = (half[:, None] * _WEIGHTS).ravel()
        return Quadrature(
            x=x,
            weight=weight * self.at(lower * np.exp(x)),
            tail_from=math.inf if math.isfinite(stop) else float(edges[-1]),
            tail_days=float(self.days[-1]),
            length=stop - start,
            draws=weight * self._draws_at(start + x),
            tail_draws=self.draws[:, -1] if len(self.draws) else np.empty(0),
        )

    def between(self, lower: float, upper: float, index: float) -> tuple[float, np.ndarray]:
        """Days of perfect search for the flares of a power law, and equally likely values of them.

        NaN where a bound is. The values are the days alone where nothing was drawn.
        """
        if math.isnan(lower):
            return math.nan, np.full(1, math.nan)
        quadrature = self.quadrature(lower, upper)
        days = quadrature.average(index - 1)
        if not len(self.draws):
            return days, np.full(1, days)
        return days, quadrature.drawn(index - 1)[0] / quadrature.norm(index - 1)

    def draws_at(self, duration: np.ndarray) -> np.ndarray:
        """Drawn values of `at`; float64, shape (n_draws, n)."""
        return self._draws_at(np.log(duration))

    def _draws_at(self, log_duration: np.ndarray) -> np.ndarray:
        if not len(self.draws):
            return np.empty((0, len(log_duration)))
        return _rows_interpolated(log_duration, self.log_duration, self.draws)


@dataclass(frozen=True)
class Quadrature:
    """Integrals of the effective time over a power law, in x = ln(ED / lower).

    There, the power law with index a is exp(-b x) with the slope b = a - 1.
    """

    # `x`, `weight`: float64, shape (n,); nodes, and their weights times the effective time
    x: np.ndarray
    weight: np.ndarray
    # `tail_from`, `tail_days`: from there on to infinity, the effective time is constant; infinity
    # where it ends before
    tail_from: float
    tail_days: float
    length: float  # ln(upper / lower), perhaps infinite
    # `draws`, `tail_draws`: float64, shapes (n_draws, n) and (n_draws,); `weight` and `tail_days`
    # with drawn completeness
    draws: np.ndarray
    tail_draws: np.ndarray

    def integral(self, slope: float) -> float:
        """Integral of the effective time times exp(-slope x), in days."""
        inside = float(self.weight @ np.exp(-slope * self.x))
        if math.isinf(self.tail_from):
            return inside
        return inside + self.tail_days * math.exp(-slope * self.tail_from) / slope

    def moments(self, slope: float) -> tuple[float, float, float, float]:
        """Integral of the effective time times exp(-slope x), and what is found there.

        Returns
        -------
        integral : float
            Days.
        mean, variance, third : float
            Mean, variance and third central moment of x over the flares that are found.
        """
        x, weight = self.x, self.weight * np.exp(-slope * self.x)
        if math.isfinite(self.tail_from):
            tail = self.tail_days * math.exp(-slope * self.tail_from) / slope * _TAIL_WEIGHTS
            x = np.concatenate([x, self.tail_from + _TAIL_NODES / slope])
            weight = np.concatenate([weight, tail])
        integral = float(weight.sum())
        mean = float(weight @ x) / integral
        variance, third = (float(weight @ (x - mean) ** k) / integral for k in (2, 3))
        return integral, mean, variance, third

    def drawn(self, slope: float) -> tuple[np.ndarray, np.ndarray]:
        """Integral and mean of `moments`, for each draw of the completeness."""
        fall = np.exp(-slope * self.x)
        integral, first = self.draws @ fall, self.draws @ (fall * self.x)
        if math.isfinite(self.tail_from):
            tail = self.tail_draws * math.exp(-slope * self.tail_from) / slope
            integral, first = integral + tail, first + tail * (self.tail_from + 1 / slope)
        with np.errstate(invalid="ignore"):  # where nothing is found, there is no mean
            return integral, first / integral

    def norm(self, slope: float) -> float:
        """Integral of exp(-slope x) itself."""
        if math.isinf(self.length):
            return 1 / slope
        if slope == 0:
            return self.length
        return -math.expm1(-slope * self.length) / slope

    def average(self, slope: float) -> float:
        """Days of perfect search, averaged over the flares that occur."""
        return self.integral(slope) / self.norm(slope)


def _rows_interpolated(x: np.ndarray, knots: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Each row at x, linear between the knots and constant beyond them."""
    position = np.interp(x, knots, np.arange(len(knots)))
    left = np.minimum(position.astype(np.int64), max(len(knots) - 2, 0))
    right = np.minimum(left + 1, len(knots) - 1)
    part = position - left
    # `take` is some times faster than an index
    return np.asarray((1 - part) * rows.take(left, axis=1) + part * rows.take(right, axis=1))


def _refined(edges: np.ndarray) -> np.ndarray:
    """Put more edges between those that are far apart."""
    n_steps = np.ceil(np.diff(edges) / _MAX_STEP).astype(np.int64)
    first = np.repeat(np.cumsum(n_steps) - n_steps, n_steps)
    step = np.arange(len(first)) - first
    inside = np.repeat(edges[:-1], n_steps) + step * np.repeat(np.diff(edges) / n_steps, n_steps)
    return np.concatenate([inside, edges[-1:]])
