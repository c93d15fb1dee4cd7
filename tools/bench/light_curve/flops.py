"""Floating point operations of the detector, from the shapes of its matrix products.

A product of (m, k) with (k, n) counts 2 m k n; everything else (maxima, additions, exponentials,
copies) counts nothing. So `operations / sgemm peak` is a limit that no implementation of the same
sums with the same BLAS can beat. Products with the zeros of a padded or banded matrix count, as
the BLAS does them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.injected_windows import InjectedWindows

_TAPS1 = 8  # seven taps of conv1, and its bias
_TAPS2 = 3 * nn.FILTERS

CONV1 = 2 * _TAPS1 * nn.FILTERS  # one position
CONV2 = 2 * _TAPS2 * nn.CHANNELS  # one position
INTERIOR = 2 * (nn.INTERIOR.stop - nn.INTERIOR.start) * nn.CHANNELS * nn.HIDDEN  # one window
BORDER = (  # one border of one window: see `layers.hidden_left`
    3 * CONV1  # the positions with taps outside of the window
    + CONV1  # those without, once per window
    + 2 * (4 * nn.FILTERS) * (3 * nn.CHANNELS)
    + CONV2
    + 2 * (2 * nn.CHANNELS) * nn.HIDDEN
)
OUTPUT = 2 * nn.HIDDEN
WINDOW = CONV1 + CONV2 + INTERIOR + 2 * BORDER + OUTPUT  # with neighbours sharing what they can


def detection(n_cadences: int, n_models: int) -> float:
    """Operations of `detector.evaluate` and the probabilities."""
    return float(n_cadences) * n_models * WINDOW


@contextmanager
def counted_injections() -> Iterator[list[float]]:
    """Count the operations of the injections that are evaluated meanwhile, batch by batch."""
    counts: list[float] = []
    inject, probability = InjectedWindows.inject, InjectedWindows.probability

    def counting_inject(self: Any, flare_flux: np.ndarray) -> None:
        batch, n = flare_flux.shape  # each position of the padded flux, less what conv1 reads
        counts.append(float(len(self._networks) * batch * (n - 6) * (CONV1 + CONV2)))
        inject(self, flare_flux)

    def counting_probability(self: Any, members: np.ndarray, stretch: slice) -> np.ndarray:
        reach, n_u = self._reach, (stretch.stop - stretch.start) // nn.STEP
        features = nn.STEP * (reach.v_stop - reach.v_start) * nn.CHANNELS
        borders = 2 * (reach.left_border + reach.right_border)  # with the flares, and without
        per_window = borders * BORDER + OUTPUT
        per_member = 2 * features * n_u * nn.HIDDEN + nn.STEP * n_u * per_window
        counts.append(float(len(self._networks) * len(members) * per_member))
        return probability(self, members, stretch)

    with (
        patch.object(InjectedWindows, "inject", counting_inject),
        patch.object(InjectedWindows, "probability", counting_probability),
    ):
        yield counts
