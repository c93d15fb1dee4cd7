"""Which windows around an injected peak are asked for, and what a flare can change in them.

All injections see the same picture relative to their peak. The windows that are asked for start at
s = s0 + 4 u + r, the changed features stand at t = s0 + 4 v + r (residues do not mix), so that the
tap is v - u. For each injection and residue the changes are one vector over (v, channel), and the
sum is its product with a matrix over (u, hidden unit) that is the same for all:

                    u = 0   u = 1   u = 2  ...
            v = 0 [ W[0]                    ]     W[v - u], interior taps only;
            v = 1 [ W[1]    W[0]            ]     zero elsewhere
            v = 2 [ W[2]    W[1]    W[0]    ]
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.stella import network as nn
from cvzmpi.cvz.detection.stella.network import Network


def toeplitz(network: Network, n_u: int) -> np.ndarray:
    """The matrix above; float32, shape ((n_u + 49) * 64, n_u * 32)."""
    n_v = n_u + nn.TAPS - 1
    matrix = np.zeros((n_v, nn.CHANNELS, n_u, nn.HIDDEN), np.float32)
    interior = network.dense[nn.INTERIOR]
    for u in range(n_u):
        matrix[u + nn.INTERIOR.start : u + nn.INTERIOR.stop, :, u] = interior
    return matrix.reshape(n_v * nn.CHANNELS, n_u * nn.HIDDEN)


@dataclass(frozen=True, order=True)
class Reach:
    """The features that a flare may change, v in [v_start, v_stop), and the border taps."""

    v_start: int
    v_stop: int
    left_border: bool
    right_border: bool


@dataclass(frozen=True)
class WindowPlan:
    """The windows around a peak: cadences first_cadence + 0 .. 4 n_u - 1 relative to it."""

    first_cadence: int
    n_u: int

    def reach(self, before: int, after: int, step: int = 4) -> Reach:
        """The features that change with the flux from `before` to `after` cadences of the peak.

        Parameters
        ----------
        step : int
            Bounds are widened to multiples of this. As far as that the tail is followed, so that
            recoveries depend on it a little: it stays what it is.
        """
        n_v = self.n_u + nn.TAPS - 1
        to_peak = nn.BEFORE - self.first_cadence  # from the start of the first window to the peak
        begin, end = to_peak - before, to_peak + after
        v_start = (begin - nn.RIGHT_READS) // nn.STEP // step * step
        v_stop = -(-((end + nn.LEFT_READS) // nn.STEP + 1) // step) * step
        # A border's flux has to be there as well: on the left from v = 0, on the right to n_v.
        left_border = begin < nn.STEP * self.n_u - 1 + nn.BORDER_READS
        right_border = end >= nn.WINDOW - nn.BORDER_READS
        return Reach(
            v_start=0 if left_border else max(v_start, 0),
            v_stop=n_v if right_border else min(v_stop, n_v),
            left_border=left_border,
            right_border=right_border,
        )
