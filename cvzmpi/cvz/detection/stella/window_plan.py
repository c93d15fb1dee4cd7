"""Which windows around an injected peak are asked for, and what a flare can change in them.

All injections see the same picture relative to their peak. The windows that are asked for start at
s = s0 + 4 u + r, the changed features stand at t = s0 + 4 v + r (residues do not mix), so that the
tap is v - u: for each injection and residue the changes are one vector over (v, channel), and a
window reads a contiguous part of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvzmpi.cvz.detection.stella import network as nn


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
