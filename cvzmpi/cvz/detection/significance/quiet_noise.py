"""What the templates see of the quiet star: its covariance, the same at all places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

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
        profiles = [_profile(whitening, *shape, places[::4]) for shape in shapes_of(templates)]
        cadence = _profile(whitening, 0, np.ones(1), places[::4])
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


def _profile(
    whitening: Whitening, before: int, shape: np.ndarray, places: np.ndarray
) -> np.ndarray:
    """K^-1 of a shape around its place, the median over several; shape (2 reach + 1,)."""
    exposure, profiles = whitening.samples.exposure, []
    reach = in_cadences(PROFILE, exposure, least=PROFILE)
    more = in_cadences(_BEFORE, exposure, _FEWEST_BEFORE)
    for place in places:
        part = whitening.around(int(place), before + more, len(shape) - before)
        vector = placed(shape, whitening.samples.place[part] - (place - before))
        solved = whitening.upper(whitening.lower(vector[:, None], part), part)[:, 0]
        offset = whitening.samples.place[part] - place + reach
        profile = np.full(2 * reach + 1, np.nan)
        near = (offset >= 0) & (offset <= 2 * reach)
        profile[offset[near]] = solved[near]
        profiles.append(profile)
    around = np.array(profiles)
    reached = np.isfinite(around).any(axis=0)  # not all, where the light curve is short
    median = np.zeros(2 * reach + 1)
    median[reached] = np.nanmedian(around[:, reached], axis=0)
    return median
