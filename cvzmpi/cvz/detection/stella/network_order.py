"""In which order the networks are asked about an injected flare.

The order decides how soon an answer is settled and nothing else: a majority of the networks is the
same majority in any order, and where there is none, all of them are asked.

`python -m tools.bench.light_curve.network_order` measures it on real light curves: for flares that
the ensemble finds, which six are most often all above the threshold at the cadences of the peak
(82 % of these flares, 76 % in the order of their files); for those that it does not find, which are
most often below it at every second cadence near the peak (74 %, 67 %).
"""

from __future__ import annotations

from collections.abc import Sequence

FOUND = (6, 0, 2, 3, 8, 9, 4, 7, 5, 1)
"""The order for flares that are probably found; the first network guesses for all flares."""

NOT_FOUND = (6, 0, 1, 7, 8, 9, 5, 4, 2, 3)
"""The order for flares that are probably not found."""


def network_order(n_networks: int, found: bool) -> Sequence[int]:
    """The order of the networks, by what the answer probably is.

    It was measured for the ten published networks; of other ensembles nothing is known.
    """
    if n_networks != len(FOUND):
        return range(n_networks)
    return FOUND if found else NOT_FOUND
