"""What the templates see of the quiet star: its covariance, the same at all places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.whitened.responses import Flares, add_responses
from cvzmpi.cvz.detection.significance.whitened.templates import Template, backwards
from cvzmpi.cvz.detection.significance.whitened.whitening import (
    Whitening,
    information,
    placed,
    shapes_of,
    typical_places,
)
from cvzmpi.cvz.light_curves.exposure import in_cadences

BOXES = (12, 20, 32, 48, 72, 108, 160, 210)
"""Lengths in cadences of 120 s of the boxes whose information is computed."""

PROFILE = 64
"""Cadences (of 120 s, or of a longer exposure) around a template's peak in which its profile is
kept."""

_BEFORE, _FEWEST_BEFORE = 300, 150  # cadences (of 120 s) before it that are solved for


def box_lengths(lengths: Iterable[int], exposure: float) -> np.ndarray:
    """Lengths of boxes of 120-second cadences in those of an exposure; increasing, from 3 on."""
    return np.unique([in_cadences(length, exposure, least=3) for length in lengths])


@dataclass(frozen=True)
class QuietNoise:
    """The quiet star's covariance as the templates see it, the same at all places."""

    templates: tuple[Template, ...]
    information: np.ndarray  # float64, shape (n_templates,): see `whitening.information`
    backwards: tuple[Template, ...]  # those long enough to tell the direction of time
    backwards_information: np.ndarray
    box_lengths: np.ndarray  # int64, shape (n_boxes,)
    box_information: np.ndarray  # float64, shape (n_boxes,)
    # float64, shape (n_templates, 2 reach + 1): K^-1 s around the peak of each template
    profiles: np.ndarray
    cadence_information: float  # (K^-1)_nn of a usable cadence

    @classmethod
    def of(cls, whitening: Whitening, templates: tuple[Template, ...]) -> QuietNoise:
        """Compute it from a light curve of which nothing is left out."""
        places = typical_places(whitening.samples)
        lengths = box_lengths(BOXES, whitening.samples.exposure)
        boxes = [(0, np.ones(length)) for length in lengths]
        *profiles, cadence = _profiles(
            whitening, [*shapes_of(templates), (0, np.ones(1))], places[::4]
        )
        return cls(
            templates=templates,
            information=information(whitening, shapes_of(templates), places),
            backwards=backwards(templates),
            backwards_information=information(
                whitening, shapes_of(backwards(templates)), places[::3]
            ),
            box_information=information(whitening, boxes, places[::3]),
            box_lengths=lengths,
            profiles=np.array(profiles),
            cadence_information=float(cadence[len(cadence) // 2]),
        )


def _profiles(
    whitening: Whitening, shapes: Sequence[tuple[int, np.ndarray]], places: np.ndarray
) -> np.ndarray:
    """K^-1 of shapes around their place, the median over several; shape (k, 2 reach + 1)."""
    samples = whitening.samples
    reach = in_cadences(PROFILE, samples.exposure, least=PROFILE)
    more = in_cadences(_BEFORE, samples.exposure, _FEWEST_BEFORE)
    around = np.zeros((len(places), len(shapes), 2 * reach + 1))
    for place, of_place in zip(places.tolist(), around, strict=True):
        parts, vectors = [], []
        for before, shape in shapes:
            part = whitening.around(place, before + more, len(shape) - before)
            parts.append(part)
            vectors.append(placed(shape, samples.place[part] - (place - before)))
        start = np.array([part.start for part in parts])
        flares = Flares(
            flux=np.concatenate(vectors),
            begin=np.cumsum([0, *map(len, vectors)]),
            start=start,
            first=start,
            stop=np.array([part.stop for part in parts]),
        )
        add_responses(whitening, flares, of_place, np.full(len(shapes), place))
        near = samples.piece(place - reach, place + reach)
        known = np.zeros(2 * reach + 1, bool)
        known[samples.place[near] - place + reach] = True
        of_place[:, ~known] = np.nan
    reached = np.isfinite(around[:, 0]).any(axis=0)  # not all, where the light curve is short
    median = np.zeros(around.shape[1:])
    median[:, reached] = np.nanmedian(around[:, :, reached], axis=0)
    return median
