"""From events to flares: where each begins and ends, and which events are one flare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.examination import Examined
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.light_curves.exposure import in_cadences

_TEMPLATE = 1.0  # errors of a cadence that the template is above, in a flare
_EXCESS = 2.0  # and that the flux itself is above, next to one another
_CADENCES_BEFORE, _FWHMS_AFTER = 40, 30  # (of 120 s) beyond these nothing belongs to a flare


@dataclass(frozen=True)
class FlareEvents:
    """A flare and the events that it is made of: a complex flare has several peaks."""

    first: int  # the first of its usable cadences
    last: int  # and the last
    events: tuple[Examined, ...]  # the strongest first


def flares_of_events(
    samples: Samples,
    error: np.ndarray,
    excess: np.ndarray,
    events: list[Examined],
    merge_gap: int,
) -> list[FlareEvents]:
    """Bound the events, and merge those that are near to each other.

    Parameters
    ----------
    error, excess : float64, shape (n,)
        Error of a cadence with the jitter, and flux over the quiet star.
    merge_gap : int
        Events with fewer cadences than this between them are one flare, as in the mask rule.

    Returns
    -------
    list of FlareEvents
        In order of time; no two share a cadence.
    """
    flares: list[FlareEvents] = []
    bounds = [(*_extent(samples, error, excess, event), event) for event in events]
    for first, last, event in sorted(bounds, key=lambda item: item[:2]):
        before = flares[-1] if flares else None
        if before is None or first - before.last - 1 >= merge_gap:
            flares.append(FlareEvents(first, last, (event,)))
            continue
        together = sorted((*before.events, event), key=lambda item: -item.snr)
        flares[-1] = FlareEvents(before.first, max(before.last, last), tuple(together))
    return flares


def _extent(
    samples: Samples, error: np.ndarray, excess: np.ndarray, item: Examined
) -> tuple[int, int]:
    """First and last usable cadence of an event.

    All in which the template stands out of the noise, and the run around its peak in which the flux
    does.
    """
    fit = item.fit
    shape = item.flux(samples.place)
    peak = int(np.argmin(np.abs(samples.place - fit.peak)))
    before = in_cadences(_CADENCES_BEFORE, samples.exposure, least=4)
    reach = samples.piece(
        int(fit.peak - before - fit.fwhm),
        int(fit.peak + before + _FWHMS_AFTER * fit.fwhm),
    )
    first, last = peak, peak
    high = (excess > _EXCESS * error) | (shape > _TEMPLATE * error)
    # the brightest cadence may be beside the peak of the template
    near = slice(max(reach.start, peak - 3), min(reach.stop, peak + 4))
    start = near.start + int(np.argmax(excess[near]))
    for at in (start, peak):
        if high[at]:
            below = np.flatnonzero(~high[reach]) + reach.start
            before, after = below[below < at], below[below > at]
            first = min(first, int(before[-1]) + 1 if len(before) else reach.start)
            last = max(last, int(after[0]) - 1 if len(after) else reach.stop - 1)
    return first, last
