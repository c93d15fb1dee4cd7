"""Mirror images: light curves made from the observed one that hold no flares, but its noise.

Two of them: the flux *inverted* about the mean of the quiet star, and the noise of the quiet star
turned over and *shuffled* in blocks that are long enough to keep its correlation, and short against
the process. The found flares are taken out before. What the searches find in them is false.

**The inverted image** keeps everything in its place: what the process cannot follow of the star,
and noise that is stronger at some times. But the mean follows a part of the noise. Where process
and noise are equally strong, at periods of some cadences in red noise, twice the mean less the flux
has nothing left of either.

**The shuffled image** is made about a draw of the quiet star. With the process f and the noise n, a
light curve is f + n, and f - n is as probable; f drawn given the light curve and what is left of it
for n have the covariance of the light curve at all periods together. The noise is turned over in
this image as well: above the quiet star, what stands out was found, rightly or falsely, and is
taken out, while what lies below it is whole.
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
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.quiet_star.celerite_prediction import drawn_deviation

BLOCK = 30
"""Cadences (of 120 s) of a block that is moved as a whole: an hour."""

_SHORTEST_BLOCK = 8
"""Cadences of a block at least, so that it keeps their correlation."""

NEIGHBOURS = 16
"""Blocks that change places with one another."""

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
    quiet: np.ndarray  # float64, shape (n,): the quiet star that its noise is about
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
        Seed, tic and sector of what is drawn: the quiet star, and the order of the blocks.
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
    quiet = quiet_mean
    if image is Image.SHUFFLED:
        quiet = quiet_mean + _deviation(found, entropy)
    # the draw knows nothing of the flux at cadences that the process was not fitted to
    known = ~found.clean.whitening.left_out
    remainder = samples.flux - model - np.where(known, quiet, quiet_mean)
    of_noise = np.any([event.core for event in noise], axis=0) if noise else False
    left_out = found.eclipsed.copy()
    for event in found.clean.flares:
        left_out |= event.core
    left_out &= ~np.asarray(of_noise)
    whole = known | of_noise
    # single bright cadences are no noise that the star has as dips
    shuffled = _shuffled(
        np.where(of_noise, remainder, -remainder),
        whole,
        entropy,
        in_cadences(BLOCK, samples.exposure, _SHORTEST_BLOCK),
    )
    if image is Image.SHUFFLED:
        everything = np.zeros(len(samples), bool)
        return _searched(samples, found, image, quiet, shuffled, everything)
    inverted = np.where(left_out, shuffled, -remainder)
    return _searched(samples, found, image, quiet, inverted, left_out)


def _searched(
    samples: Samples,
    found: Found,
    image: Image,
    quiet: np.ndarray,
    noise: np.ndarray,
    left_out: np.ndarray,
) -> MirrorImage:
    flux = quiet + noise
    clean = found.cleaner.clean(samples.with_flux(flux), left_out)
    examination = examination_of(found.cleaner, clean, found.quiet)
    examined = [examination.examine(event, fitted=False) for event in clean.flares]
    events, refused = passing(examined, samples.time, found.cleaner.min_snr)
    return MirrorImage(image, flux, quiet, events, refused, examination)


def _deviation(found: Found, entropy: Sequence[int]) -> np.ndarray:
    """How far the process is from its mean, drawn at random."""
    seed, *unit = entropy
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*unit, 0, 2)))
    whitening = found.clean.whitening
    return drawn_deviation(
        *(found.cleaner.kernel, found.cleaner.parameters, whitening.time),
        *(whitening.variance, ~whitening.left_out, rng),
    )


def _shuffled(
    noise: np.ndarray, whole: np.ndarray, entropy: Sequence[int], block: int
) -> np.ndarray:
    """The noise in another order, block by block; cadences that are not whole are not used.

    Blocks change places with their neighbours only: noise is not the same everywhere, and what is
    noise among its like would be a flare in a quieter part of the light curve.
    """
    seed, *unit = entropy
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(*unit, 0, 1)))
    pool, n = noise[whole], len(noise)
    starts = np.arange(0, n, block)
    groups = np.split(starts, range(NEIGHBOURS, len(starts), NEIGHBOURS))
    order = np.concatenate([rng.permutation(group) for group in groups])
    shuffled = np.empty(n)
    for start, other in zip(starts.tolist(), order.tolist(), strict=True):
        length = min(block, n - start)
        source = min(other * len(pool) // n, len(pool) - length)
        shuffled[start : start + length] = pool[source : source + length]
    return shuffled
