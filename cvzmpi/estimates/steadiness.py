"""How steady the durations of units were, beside what cost, trend and scatter say of them.

Light curves of other stars, another node or a busy file system move the level of many units that
follow each other. A line through all of them says nothing of that, and its error becomes as small
as if it were not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_MOST_RUNS = 6  # in which the units are looked at
_FEWEST = 5  # units in a run
_BY_CHANCE = 2.5  # standard errors: the largest of so few means is seldom farther off


def unsteadiness(residuals: Sequence[tuple[float, float]], scatter: float) -> float:
    """How far the level moved in a run of units, beyond chance; 0 where all is as by chance.

    Parameters
    ----------
    residuals : sequence of (value, weight)
        Of the logarithms of the seconds of units, in the order in which they began.
    scatter : float
        Their standard deviation.
    """
    n_runs = min(_MOST_RUNS, len(residuals) // _FEWEST)
    if n_runs < 2:
        return 0.0
    edges = [len(residuals) * i // n_runs for i in range(n_runs + 1)]
    found = 0.0
    for begin, end in pairwise(edges):
        run = residuals[begin:end]
        weight = sum(w for _, w in run)
        if weight > 1:
            mean = sum(value * w for value, w in run) / weight
            found = max(found, abs(mean) - _BY_CHANCE * scatter / math.sqrt(weight))
    return found
