"""Mirror images: light curves made from the observed one that hold no flares, but its noise.

Two of them: the flux *inverted* about the model, and the remainders over the model *shuffled* in
blocks that are long enough to keep the correlation of the noise, and short against the process. The
found flares are taken out before. What the searches find in them is false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from cvzmpi.cvz.detection.significance.examination import Examination, Examined
from cvzmpi.cvz.detection.significance.finding import Found, examination_of, passing
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.detection.significance.whitened.samples import Samples

BLOCK = 30
"""Cadences of a block that is moved as a whole: an hour."""

# Signal-to-noise without the brightest cadence, below which it was alone: noise leaves more beside
# one bright cadence in forty.
_NOTHING_LEFT = 2.0


class Image(IntEnum):
    """The mirror images, by their number in the sector file."""

    INVERTED = 1
    SHUFFLED = 2


@dataclass(frozen=True)
class MirrorImage:
    """A mirror image, and what the search by significance finds in it."""

    image: Image
    flux: np.ndarray  # float64, shape (n,): relative to the median, at the usable cadences
    events: list[Examined]  # those that pass all rules
    refused: list[Examined]
    examination: Examination  # of the image


def mirror_image(
    image: Image, samples: Samples, found: Found, quiet_mean: np.ndarray, entropy: Sequence[int]
) -> MirrorImage:
    """Make a mirror image of a light curve and search it.

    Parameters
    ----------
    quiet_mean : float64, shape (n,)
        Mean of the process at all usable cadences.
    entropy : sequence of int
        Seed, tic and sector of the random order.
    """
    # Single bright cadences are noise, which the images hold too. All other events are taken out,
    # and so are eclipses, with all that stands in them: a periodic dip is no false alarm when it is
    # turned over. What leaves more than noise without its brightest cadence may be a short flare
    # that was just refused: in the image, it would pass as often as not.
    noise = [
        item.event
        for item in found.refused
        if item.refused == Vetting.SINGLE_CADENCE
        and item.look.rest_snr[0] < _NOTHING_LEFT
        and not found.eclipsed[item.event.number]
    ]
    model = found.clean.event_model - sum(event.flux(samples) for event in noise)
    remainder = samples.flux - model - quiet_mean
    of_noise = np.any([event.core for event in noise], axis=0) if noise else False
    left_out = found.eclipsed.copy()
    for event in found.clean.flares:
        left_out |= event.core
    left_out &= ~np.asarray(of_noise)
    whole = ~found.clean.whitening.left_out | of_noise
    shuffled = _shuffled(remainder, whole, entropy)
    if image is Image.SHUFFLED:
        everything = np.zeros(len(samples), bool)
        return _searched(samples, found, image, quiet_mean + shuffled, everything)
    inverted = np.where(left_out, shuffled, -remainder)
    return _searched(samples, found, image, quiet_mean + inverted, left_out)


def _searched(
    samples: Samples, found: Found, image: Image, flux: np.ndarray, left_out: np.ndarray
) -> MirrorImage:
    clean = found.cleaner.clean(samples.with_flux(flux), left_out)
    examination = examination_of(found.cleaner, clean, found.quiet)
    examined = [examination.examine(event, fitted=False) for event in clean.flares]
    events, refused = passing(examined, samples.time, found.cleaner.min_snr)
    return MirrorImage(image, flux, events, refused, examination)


def _shuffled(remainder: np.ndarray, whole: np.ndarray, entropy: Sequence[int]) -> np.ndarray:
    """The remainders in another order, block by block; those that are not whole are not used."""
    seed, *unit = entropy
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*unit, 0, 1)))
    pool = remainder[whole]
    blocks = [pool[start : start + BLOCK] for start in range(0, len(pool), BLOCK)]
    order = np.concatenate([blocks[k] for k in rng.permutation(len(blocks))])
    return np.resize(order, len(remainder))
