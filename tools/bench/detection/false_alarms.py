"""False alarms: what the searches find in mirror images, which hold no flares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.quality.searched_curve import SearchedCurve

SEARCHES, IMAGES = tuple(Search), tuple(Image)
"""All searches, and all kinds of mirror images, in the order of all tables."""

PER_DAYS = 25.0
"""Days of search that rates are given for, about those of a light curve."""


@dataclass(frozen=True)
class FalseAlarms:
    """Events of one search in one kind of mirror image."""

    n: int
    days: float  # that were searched

    @classmethod
    def of(cls, searched: SearchedCurve, image: Image) -> FalseAlarms:
        """Count those of one light curve."""
        events = searched.data.mirror_events
        assert events is not None, "a file of format version 1 has no mirror images"
        mine = searched.search.flares(events["found_by"]) & (events["image"] == image)
        return cls(int(np.count_nonzero(mine)), searched.time.evaluated)

    @classmethod
    def total(cls, parts: Iterable[FalseAlarms]) -> FalseAlarms:
        """Those of several light curves."""
        parts = list(parts)
        return cls(sum(part.n for part in parts), sum(part.days for part in parts))

    @property
    def rate(self) -> float:
        """Events in `PER_DAYS` days of search."""
        return self.n * PER_DAYS / self.days
