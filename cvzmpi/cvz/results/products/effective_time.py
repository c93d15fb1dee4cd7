"""The effective time: what a search of limited completeness was worth at each flare size.

A light curve searched for T days with completeness C(ED) finds as many flares of equivalent
duration ED as a perfect search of T C(ED) days. Of a star, this is summed over its light curves,
each with the completeness of its own search.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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

    @classmethod
    def of_light_curves(
        cls, curves: Sequence[CompletenessCurve], searched: Sequence[float]
    ) -> EffectiveTime:
        """Sum over light curves, of completeness by equivalent duration and of days searched."""
        knots = np.unique(np.concatenate([curve.log_size for curve in curves]))
        days = sum(
            time * curve(np.exp(knots)) for curve, time in zip(curves, searched, strict=True)
        )
        return cls(knots, np.asarray(days), float(sum(searched)))

    @classmethod
    def perfect(cls, searched: float) -> EffectiveTime:
        """A search that finds everything."""
        return cls(np.zeros(1), np.full(1, searched), searched)

    def at(self, duration: np.ndarray) -> np.ndarray:
        """Days of perfect search for flares of this equivalent duration in s."""
        return np.interp(np.log(duration), self.log_duration, self.days)

    def complete_from(self, fraction: float) -> float:
        """The equivalent duration in s from which on this fraction of the flares is found.

        The first knot where even the smallest are found more often, NaN where it is never reached.
        """
        days = fraction * self.searched
        if not np.any(self.days >= days):
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
        return Quadrature(
            x=x,
            weight=(half[:, None] * _WEIGHTS).ravel() * self.at(lower * np.exp(x)),
            tail_from=math.inf if math.isfinite(stop) else float(edges[-1]),
            tail_days=float(self.days[-1]),
            length=stop - start,
        )


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


def _refined(edges: np.ndarray) -> np.ndarray:
    """Put more edges between those that are far apart."""
    pieces = [
        np.linspace(low, high, math.ceil((high - low) / _MAX_STEP), endpoint=False)
        for low, high in pairwise(edges)
    ]
    return np.concatenate([*pieces, edges[-1:]])
