"""Floating point operations of the detector, from the shapes of its matrix products.

A product of (m, k) with (k, n) counts 2 m k n; everything else (maxima, additions, exponentials,
copies) counts nothing. So `operations / sgemm peak` is a limit that no implementation of the same
sums with the same BLAS can beat. Products with the zeros of a padded matrix count, as the BLAS
does them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.changed_features import PARITIES
from cvzmpi.cvz.detection.stella.changed_windows import ChangedWindows
from cvzmpi.cvz.detection.stella.question import ChangedBorder, Question

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

    def counting_changes(self: Any, model: int, question: Question) -> np.ndarray:
        n, n_v = len(question.members), len(question.v)
        n_parities = len({residue % PARITIES for residue in question.residues})
        of_flare = (2 * n_v + 4) * PARITIES * CONV1 + n_parities * (2 * n_v + 2) * CONV2
        counts.append(float(n * of_flare))
        result: np.ndarray = changes(self, model, question)
        taps = [question.taps(u) for u in question.u]
        n_read = len(result) * nn.CHANNELS * sum(tap.stop - tap.start for tap in taps)
        counts.append(float(2 * n_read * nn.HIDDEN))
        return result

    def counting_border(
        self: Any, network: nn.Network, changed: ChangedBorder, question: Question
    ) -> np.ndarray:
        change = border(self, network, changed, question)
        counts.append(float(change.size // nn.HIDDEN * 2 * BORDER))  # with and without
        return change

    def counting_by_model(self: Any, model: int, question: Question) -> np.ndarray:
        result = by_model(self, model, question)
        counts.append(float(result.size * OUTPUT))
        return result

    with (
        patch.object(ChangedWindows, "_changes", counting_changes),
        patch.object(ChangedWindows, "_border_change", counting_border),
        patch.object(ChangedWindows, "by_model", counting_by_model),
    ):
        yield counts
