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
    changes_of, by_model = InjectedWindows._changes_of, InjectedWindows._by_model

    def counting_changes(self: Any, model: int, members: np.ndarray) -> np.ndarray:
        known = self._changes[model][1][members].sum() if model in self._changes else 0
        # each position of the padded flux, less what conv1 reads
        positions = self.flux_positions().shape[1] - 6
        counts.append(float((len(members) - known) * positions * (CONV1 + CONV2)))
        return changes_of(self, model, members)

    def counting_by_model(self: Any, model: int, members: np.ndarray, stretch: slice) -> np.ndarray:
        reach, n_u = self._reach, (stretch.stop - stretch.start) // nn.STEP
        features = nn.STEP * (reach.v_stop - reach.v_start) * nn.CHANNELS
        borders = 2 * (reach.left_border + reach.right_border)  # with the flares, and without
        per_window = borders * BORDER + OUTPUT
        per_member = 2 * features * n_u * nn.HIDDEN + nn.STEP * n_u * per_window
        counts.append(float(len(members) * per_member))
        return by_model(self, model, members, stretch)

    with (
        patch.object(InjectedWindows, "_changes_of", counting_changes),
        patch.object(InjectedWindows, "_by_model", counting_by_model),
    ):
        yield counts
