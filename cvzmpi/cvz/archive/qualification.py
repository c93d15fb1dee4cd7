"""Qualification: the criteria for a star to be worth the work, and their values for each star."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cvzmpi.cvz.light_curves.chosen_products import ONLY_SPOC_120, ChosenProducts
from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.observation import fewest_usable
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.target_list import Target
from cvzmpi.messages.wording import counted

# First sector of each year of observation, from year 1 (July 2018): tess.mit.edu/observations, and
# the pointings of tess-point 0.9.5 (Burke et al. 2020, ASCL 2003.001); those from year 8 on were
# planned when this was written. Sectors after the last year count to that year.
_FIRST_SECTORS = (1, 14, 27, 40, 56, 70, 84, 97, 109, 122)


@dataclass(frozen=True)
class Criteria:
    """The criteria that a star must meet."""

    # sectors with a light curve in its best year of observation; a star of the continuous viewing
    # zone has nearly all of a year's
    min_sectors_per_year: int
    # `min_tmag`, `max_tmag`: range of TESS magnitudes, ends included
    min_tmag: float | None = None
    max_tmag: float | None = None
    products: ChosenProducts = ONLY_SPOC_120  # any of which counts

    @property
    def of_magnitude(self) -> bool:
        """True if the magnitude matters."""
        return self.min_tmag is not None or self.max_tmag is not None


@dataclass(frozen=True)
class Qualification:
    """The criteria that a star meets or does not meet."""

    # the value of every criterion, also if another is not met: `products`, the number of sectors
    # with a light curve; `sectors_per_year`, the most in a year of observation; `year`, the first
    # year with so many; `tmag`, if there is a range of magnitudes
    values: dict[str, Any]
    not_met: tuple[str, ...] = ()  # the criteria that are not met, in words

    @property
    def qualified(self) -> bool:
        """True if all criteria are met."""
        return not self.not_met

    @property
    def message(self) -> str | None:
        """One line that says why the star does not qualify; None for one that does."""
        return "; ".join(self.not_met) or None


def qualify(target: Target, sectors: Iterable[int], criteria: Criteria) -> Qualification:
    """Judge a star by the sectors in which it has a light curve.

    A magnitude that is not known is not within a range.
    """
    per_year = Counter(map(year_of, sectors))
    # of years with equally many, the first
    year, most = min(per_year.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
    values: dict[str, Any] = {"products": per_year.total(), "sectors_per_year": most, "year": year}
    not_met = []
    if not per_year:
        of_two_minutes = criteria.products == ONLY_SPOC_120
        what = "2-minute light curve" if of_two_minutes else f"light curve of {criteria.products}"
        not_met.append(f"no {what} in any sector")
    elif most < criteria.min_sectors_per_year:
        not_met.append(
            f"{counted(most, 'light curve')} in its best year of observation, expected at least "
            f"{criteria.min_sectors_per_year} (archive.min_sectors_per_year)"
        )
    if criteria.of_magnitude:
        values["tmag"] = target.tmag
        if target.tmag is None:
            not_met.append(f"TESS magnitude not known, expected {_range(criteria)}")
        elif not _within(target.tmag, criteria):
            not_met.append(f"TESS magnitude {target.tmag:g}, expected {_range(criteria)}")
    return Qualification(values, tuple(not_met))


def year_of(sector: int) -> int:
    """The year of observation of a sector, from 1."""
    if sector < 1:
        raise ValueError(f"sector {sector}: sectors are counted from 1")
    return bisect(_FIRST_SECTORS, sector)


def too_few_cadences(product: Product, n_usable: int, minimum: int) -> str | None:
    """A message if a light curve has too few usable cadences to qualify; else None.

    Parameters
    ----------
    minimum : int
        The setting, in cadences of 120 s; of other exposures, it means the time.
    """
    exposure = product.kind.seconds_in(product.sector) / SECONDS_PER_DAY
    minimum = fewest_usable(minimum, exposure)
    if n_usable >= minimum:
        return None
    return (
        f"{counted(n_usable, 'usable cadence')}, expected at least {minimum} "
        "(light_curve.min_usable_cadences)"
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
