"""Rates and times left with their uncertainties, and durations in words."""

from cvzmpi.estimates.intervals import Estimate, poisson_interval, rate
from cvzmpi.estimates.words import duration, time_left

__all__ = ["Estimate", "duration", "poisson_interval", "rate", "time_left"]
