"""The smallest flares that count for a rate, where a star was searched in several exposures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from cvzmpi.cvz.results.products.searched_sector import SearchedSector, effective_time


def lower_bound(
    together: EffectiveTime, sectors: Sequence[SearchedSector], fraction: float, index: float
) -> float:
    """The equivalent duration in s from which on flares count; NaN where none is complete enough.

    Of light curves of one product it is that from which on the searches together find a fraction of
    the flares. A long light curve of 30 min beside a short one of 2 min would raise that bound far
    above the flares that the other finds. So each product has a bound of its own, and that one is
    taken above which most flares are expected. A product without searched time, such as 20 s for
    stella, has none. It follows from the injections and the searched times, never from the flares.

    Parameters
    ----------
    together : EffectiveTime
        Of all light curves.
    sectors : sequence of SearchedSector
        The light curves.
    fraction : float
        Completeness at the bound.
    index : float
        Of the power law with which the numbers of flares are expected.
    """
    bounds = [together.complete_from(fraction)]
    products = sorted({sector.product for sector in sectors})
    for product in products if len(products) > 1 else ():
        ours = [sector for sector in sectors if sector.product == product]
        bounds.append(effective_time(ours).complete_from(fraction))
    known = [bound for bound in bounds if not math.isnan(bound)]
    return max(
        known,
        key=lambda bound: float(together.at(np.array(bound))) * bound ** (1 - index),
        default=math.nan,
    )
