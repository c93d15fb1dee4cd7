"""Qualification: which stars are worth the work, with the value of every criterion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cvzmpi.cvz.archive.observing_years import year_of
from cvzmpi.cvz.archive.target_list import Target


@dataclass(frozen=True)
class Criteria:
    """What a star must have.

    Attributes
    ----------
    min_sectors_per_year : int
        Light curves in its best year of observation; a star of the continuous viewing zone has
        nearly all of a year's.
    min_tmag, max_tmag : float, optional
        Range of TESS magnitudes, ends included.
    """

    min_sectors_per_year: int
    min_tmag: float | None = None
    max_tmag: float | None = None

    @property
    def of_magnitude(self) -> bool:
        """Whether the magnitude matters."""
        return self.min_tmag is not None or self.max_tmag is not None


@dataclass(frozen=True)
class Verdict:
    """Whether a star qualifies.

    Attributes
    ----------
    values : dict
        Of every criterion, also of those that do not matter once another is not met: `products`,
        the number of 2-minute light curves; `sectors_per_year`, most in a year of observation;
        `year`, which that is; `tmag`, where there is a range of magnitudes.
    not_met : tuple of str
        What is wrong with a star that does not qualify, in words.
    """

    values: dict[str, Any]
    not_met: tuple[str, ...] = ()

    @property
    def qualified(self) -> bool:
        """Whether all criteria are met."""
        return not self.not_met

    @property
    def message(self) -> str | None:
        """One line that says why the star does not qualify; None for one that does."""
        return "; ".join(self.not_met) or None


def qualify(target: Target, sectors: Iterable[int], criteria: Criteria) -> Verdict:
    """Judge a star by the sectors in which it has a 2-minute light curve.

    A magnitude that is not known is not within a range.
    """
    per_year = Counter(map(year_of, sectors))
    # of years with equally many, the first
    year, most = min(per_year.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
    values: dict[str, Any] = {"products": per_year.total(), "sectors_per_year": most, "year": year}
    not_met = []
    if not per_year:
        not_met.append("no 2-minute light curve in any sector")
    elif most < criteria.min_sectors_per_year:
        not_met.append(
            f"{most} light curves in its best year of observation, expected at least "
            f"{criteria.min_sectors_per_year} (archive.min_sectors_per_year)"
        )
    if criteria.of_magnitude:
        values["tmag"] = target.tmag
        if target.tmag is None:
            not_met.append(f"TESS magnitude not known, expected {_range(criteria)}")
        elif not _within(target.tmag, criteria):
            not_met.append(f"TESS magnitude {target.tmag:g}, expected {_range(criteria)}")
    return Verdict(values, tuple(not_met))


def too_few_cadences(n_usable: int, minimum: int) -> str | None:
    """Why a light curve does not qualify that has few usable cadences; None where it does."""
    if n_usable >= minimum:
        return None
    return (
        f"{n_usable} usable cadences, expected at least {minimum} (light_curve.min_usable_cadences)"
    )


def _within(tmag: float, criteria: Criteria) -> bool:
    low, high = criteria.min_tmag, criteria.max_tmag
    return (low is None or tmag >= low) and (high is None or tmag <= high)


def _range(criteria: Criteria) -> str:
    low, high = criteria.min_tmag, criteria.max_tmag
    if low is None:
        return f"at most {high:g} (archive.max_tmag)"
    if high is None:
        return f"at least {low:g} (archive.min_tmag)"
    return f"{low:g} to {high:g} (archive.min_tmag, archive.max_tmag)"
