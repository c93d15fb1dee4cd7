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
from cvzmpi.cvz.detection.stella.changed_windows import ChangedWindows

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
    changes, border, by_model = (
        ChangedWindows._changes,
        ChangedWindows._border_change,
        ChangedWindows.by_model,
    )

    def counting_changes(
        self: Any, model: int, members: np.ndarray, v: range, n_parities: int
    ) -> np.ndarray:
        per_parity = (2 * len(v) + 4) * 2 * CONV1 / n_parities + (2 * len(v) + 2) * CONV2
        counts.append(float(len(members) * n_parities * per_parity))
        result: np.ndarray = changes(self, model, members, v, n_parities)
        windows_of_features = 2 * result.size * nn.HIDDEN  # for each u
        counts.append(float(windows_of_features * len(asked[-1])))
        return result

    def counting_border(
        self: Any, network: nn.Network, is_left: bool, members: np.ndarray, u: range
    ) -> np.ndarray:
        counts.append(float(len(members) * nn.STEP * len(u) * 2 * BORDER))  # with and without
        return border(self, network, is_left, members, u)

    def counting_by_model(
        self: Any, model: int, members: np.ndarray, cadences: slice
    ) -> np.ndarray:
        asked.append(range(cadences.start // nn.STEP, cadences.stop // nn.STEP))
        result = by_model(self, model, members, cadences)
        counts.append(float(result.size * OUTPUT))
        return result

    asked: list[range] = []  # the stretches of u
    with (
        patch.object(ChangedWindows, "_changes", counting_changes),
        patch.object(ChangedWindows, "_border_change", counting_border),
        patch.object(ChangedWindows, "by_model", counting_by_model),
    ):
        yield counts
