"""The searches for flares, and what each choice of them takes from a light curve.

Every light curve is searched in two ways: by the networks (`stella`), and by the significance of
the flare template over the Gaussian process (`significance`). A result is about one of these, or
about what either of them, or both, found. Its flares, completeness and search time are then all of
that choice. Light curves of earlier versions were searched by stella alone; the other search found
nothing there and looked at nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import numpy as np

from cvzmpi.cvz.detection.flare_mask import flare_mask

FOUND_BY_STELLA, FOUND_BY_SIGNIFICANCE = 1, 2
"""The bits of the column `found_by`."""


_IN_WORDS = {
    FOUND_BY_STELLA: "stella",
    FOUND_BY_SIGNIFICANCE: "significance",
    FOUND_BY_STELLA | FOUND_BY_SIGNIFICANCE: "both",
}


def found_by_in_words(found_by: int) -> str:
    """The searches that found a flare, for people."""
    return _IN_WORDS[int(found_by)]


class Search(str, Enum):
    """A choice of searches, by its name in the configuration (`detect.search`)."""

    STELLA = "stella"
    SIGNIFICANCE = "significance"
    EITHER = "either"
    BOTH = "both"

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return self.value

    @property
    def needs_stella(self) -> bool:
        """True if it finds nothing where the networks cannot look."""
        return self in (Search.STELLA, Search.BOTH)

    def flares(self, found_by: np.ndarray) -> np.ndarray:
        """Tell which rows of the table of flares, or of mirror events, it found; bool, shape (n,).

        Parameters
        ----------
        found_by : int, shape (n,)
            A bit for each search.
        """
        return self._of((found_by & FOUND_BY_STELLA) != 0, (found_by & FOUND_BY_SIGNIFICANCE) != 0)

    def mask(self, flares: Mapping[str, np.ndarray], n_cadences: int) -> np.ndarray:
        """Mark the rows of the light curve that belong to its flares; bool, shape (n_cadences,).

        Parameters
        ----------
        flares : mapping of ndarray, shape (n_flares,)
            The table of flares.
        """
        found = self.flares(flares["found_by"])
        return flare_mask(np.stack([flares["start"], flares["stop"]], axis=1)[found], n_cadences)

    def cadences(self, probability: np.ndarray, significance: np.ndarray | None) -> np.ndarray:
        """Tell where it looked; bool, shape (n,).

        Parameters
        ----------
        probability, significance : float, shape (n,)
            NaN where the search did not look; None for one that was not made.
        """
        looked = np.isfinite(probability)
        also = np.zeros_like(looked) if significance is None else np.isfinite(significance)
        return self._of(looked, also)

    def recovered(self, stella: np.ndarray, significance: np.ndarray | None) -> np.ndarray:
        """Its answer for injected repeats; bool, of the shape of the answers.

        Parameters
        ----------
        stella, significance : bool
            The answers of the two searches; None for one that was not made.
        """
        also = np.zeros_like(stella) if significance is None else significance
        return self._of(stella, also)

    def _of(self, stella: np.ndarray, significance: np.ndarray) -> np.ndarray:
        if self is Search.STELLA:
            return stella
        if self is Search.SIGNIFICANCE:
            return significance
        return stella | significance if self is Search.EITHER else stella & significance
