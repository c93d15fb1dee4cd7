"""What stands for a detector where it cannot look: light curves of another exposure than its own.

stella was trained on cadences of 120 s; in others a flare has another shape to it. The search by
significance knows the exposure, and finds flares there alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from cvzmpi.cvz.detection.detector import FlareFlux, InjectedFlares
from cvzmpi.cvz.detection.flare_mask import AroundPeak
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.exposure import EXPOSURE, EXPOSURE_SECONDS
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation, Window
from cvzmpi.errors import LightCurveError

if TYPE_CHECKING:
    from cvzmpi.mpi.team import Team


def stella_looks(light_curve: LightCurve) -> bool:
    """Whether the networks can look at a light curve."""
    return light_curve.exposure == EXPOSURE


def check_search(light_curve: LightCurve, search: Search) -> None:
    """Refuse a search that has no answer without the networks, where they cannot look.

    Raises
    ------
    LightCurveError
    """
    if search.needs_stella and not stella_looks(light_curve):
        raise LightCurveError(
            f"{light_curve.described}: cadence is {light_curve.exposure_seconds:.0f} s, expected "
            f"{EXPOSURE_SECONDS:.0f} s for detect.search = {str(search)!r}: stella was trained on "
            "these; 'significance' searches others"
        )


def note_of(light_curve: LightCurve) -> str | None:
    """What is to be told of the searches of a light curve."""
    if stella_looks(light_curve):
        return None
    return (
        f"cadence is {light_curve.exposure_seconds:.0f} s: searched by significance alone, as "
        f"stella was trained on {EXPOSURE_SECONDS:.0f} s"
    )


class NotSearched:
    """A `Detector` that looks nowhere, so that it finds nothing."""

    window = Window(before=0, after=1)
    step = 1

    def __init__(self, checksum: str) -> None:
        self.checksum = checksum

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def evaluate(self, observation: Observation, team: Team, shared: ExitStack) -> NoEvaluation:
        """There is nothing to share."""
        return NoEvaluation(len(observation.time))


class NoEvaluation:
    """An `Evaluation` of nothing."""

    def __init__(self, n: int) -> None:
        self._n = n

    def probability(self) -> np.ndarray:
        """NaN everywhere."""
        return np.full(self._n, np.nan, np.float32)

    def reach(self, around: AroundPeak, before: int, after: int) -> int:
        """The same for all flares."""
        return 0

    def inject(
        self,
        around: AroundPeak,
        reaches: Sequence[Any],
        peaks: np.ndarray,
        flare_flux: FlareFlux,
    ) -> InjectedFlares:
        """Nobody asks: see `stages`."""
        raise NotImplementedError("a detector that does not look has no injections")
