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
    """Whether a star qualifies, and what was looked at."""

    qualified: bool
    criteria: dict[str, dict[str, Any]]

    def detail(self) -> dict[str, Any]:
        """For the ledger: each criterion's value, what it had to be, and whether it was."""
        return {"criteria": self.criteria}

    @property
    def message(self) -> str:
        """The criteria that are not met, in words; empty for a star that qualifies."""
        return "; ".join(
            f"{name.replace('_', ' ')} {c['value']}, expected {c['expected']}"
            for name, c in self.criteria.items()
            if not c["met"]
        )


def qualify(target: Target, sectors: Iterable[int], criteria: Criteria) -> Verdict:
    """Judge a star by the sectors in which it has a 2-minute light curve.

    A magnitude that is not known is not within a range.
    """
    per_year = Counter(map(year_of, sectors))
    # of years with equally many, the first
    year, most = min(per_year.items(), key=lambda item: (-item[1], item[0]), default=(None, 0))
    found: dict[str, dict[str, Any]] = {
        "products": {
            "value": per_year.total(),
            "expected": "at least 1",
            "met": bool(per_year),
        },
        "sectors_per_year": {
            "value": most,
            "year": year,
            "expected": f"at least {criteria.min_sectors_per_year}",
            "met": most >= criteria.min_sectors_per_year,
        },
    }
    if criteria.of_magnitude:
        found["tmag"] = {
            "value": target.tmag,
            "expected": _range(criteria),
            "met": target.tmag is not None and _within(target.tmag, criteria),
        }
    return Verdict(all(c["met"] for c in found.values()), found)


def _within(tmag: float, criteria: Criteria) -> bool:
    low, high = criteria.min_tmag, criteria.max_tmag
    return (low is None or tmag >= low) and (high is None or tmag <= high)


def _range(criteria: Criteria) -> str:
    low, high = criteria.min_tmag, criteria.max_tmag
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"
