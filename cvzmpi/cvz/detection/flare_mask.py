"""The mask rule: from flare probabilities to flares.

Cadences whose probability is above the threshold are *flaring*. At least `min_cadences`
consecutive flaring cadences make a flare; flares with fewer than `merge_gap` cadences between them
are one. Cadences are counted among the usable ones; a cadence that was not evaluated is not
flaring. The same rule finds the flares of the star and decides about the injected ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.configuration import DetectConfig


@dataclass(frozen=True)
class AroundPeak:
    """The cadences around an injected peak that decide whether a flare covers it.

    They come in three stretches: the *core* decides whether a run covers the peak itself, the
    *sides* whether the peak lies between two.
    """

    first: int  # the first of them, relative to the peak
    # lengths of a side and of the core, in cadences
    side: int
    core: int
    # the shortest stretch around the peak that can show a run
    middle: slice
    # where no run means that no flare covers the peak: one may end before it, another begin after
    # it, but they are too far from each other to be one
    near: slice

    @property
    def length(self) -> int:
        """Number of cadences."""
        return 2 * self.side + self.core

    @property
    def peak(self) -> int:
        """Index of the peak among them."""
        return -self.first

    @property
    def left_core_right(self) -> tuple[slice, slice, slice]:
        """The three stretches."""
        core = slice(self.side, self.side + self.core)
        return slice(0, core.start), core, slice(core.stop, self.length)


@dataclass(frozen=True)
class MaskRule:
    """The parameters of the rule."""

    threshold: float
    min_cadences: int
    merge_gap: int

    @classmethod
    def of(cls, detect: DetectConfig) -> MaskRule:
        """The rule of a configuration."""
        return cls(detect.threshold, detect.min_cadences, detect.merge_gap)

    def flaring(self, probability: np.ndarray) -> np.ndarray:
        """Cadences above the threshold; NaN is not."""
        return probability > self.threshold

    def flares(self, probability: np.ndarray) -> np.ndarray:
        """Find the flares.

        Parameters
        ----------
        probability : float, shape (n,)
            NaN where not evaluated.

        Returns
        -------
        int, shape (n_flares, 2)
            First and last cadence of each flare, both included.
        """
        edges = np.diff(self.flaring(probability).astype(np.int8), prepend=0, append=0)
        starts, stops = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0) - 1
        long_enough = stops - starts + 1 >= self.min_cadences
        starts, stops = starts[long_enough], stops[long_enough]
        apart = starts[1:] - stops[:-1] - 1 >= self.merge_gap
        first = np.concatenate([starts[:1], starts[1:][apart]])
        last = np.concatenate([stops[:-1][apart], stops[-1:]])
        return np.stack([first, last], axis=1)

    def reach(self, tolerance: int) -> int:
        """Distance to which probabilities decide whether a flare covers a cadence.

        A flare covers cadence c within the tolerance when one of its runs comes that near, or when
        c lies between two of its runs. In the second case both runs end within `merge_gap` of each
        other, on either side of the tolerance; `min_cadences` of each show that it is a run.
        """
        beside = tolerance + self.min_cadences - 1
        between = self.merge_gap - tolerance - 2 + self.min_cadences
        return max(beside, between)

    def around_peak(self, tolerance: int, step: int) -> AroundPeak:
        """The cadences around an injected peak that decide.

        Each stretch begins at a multiple of `step`; all but the middle end at one, too.
        """
        beside = tolerance + self.min_cadences - 1
        side = -(-(self.reach(tolerance) - beside) // step) * step
        core = -(-(2 * beside + 1) // step) * step
        peak, length = beside + side, 2 * side + core
        middle = min(-(-self.min_cadences // step) * step, core)
        start = side + min(beside // step * step, core - middle)
        # with a cadence less they still hold most of the runs over the peak, if the peak is there
        if middle == self.min_cadences + 1 == step and start <= peak < start + self.min_cadences:
            middle = self.min_cadences
        # a run that begins before `near` ends at least so many cadences before the peak, ...
        near = min(max(0, peak - self.merge_gap // 2 - 1) // step * step, side)
        before = peak - near - 1
        # ... so that one after the peak would have to begin within the rest of the gap
        after = peak + max(self.merge_gap - before, 0) + 1
        return AroundPeak(
            first=-peak,
            side=side,
            core=core,
            middle=slice(start, start + middle),
            near=slice(near, min(max(-(-after // step) * step, side + core), length)),
        )


def flare_mask(flares: np.ndarray, n: int) -> np.ndarray:
    """Mark the cadences of flares among n; bool, shape (n,).

    Parameters
    ----------
    flares : int, shape (n_flares, 2)
        First and last cadence, both included.
    """
    mask = np.zeros(n, bool)
    for first, last in flares:
        mask[first : last + 1] = True
    return mask


def widened(mask: np.ndarray, usable: np.ndarray, before: int, after: int) -> np.ndarray:
    """Mark the rows of flares, and so many usable rows before and after each; bool, shape (n,).

    Parameters
    ----------
    mask : bool, shape (n,)
        Rows of the light curve from the first to the last of each flare.
    usable : bool, shape (n,)
    """
    rows = np.flatnonzero(usable)
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    starts = np.searchsorted(rows, np.flatnonzero(edges > 0))
    ends = np.searchsorted(rows, np.flatnonzero(edges < 0))
    marked = mask.copy()
    for start, end in zip(starts, ends, strict=True):
        marked[rows[max(0, start - before) : end + after]] = True
    return marked


def in_runs(flaring: np.ndarray, min_cadences: int) -> np.ndarray:
    """Flaring cadences that stand in a run of at least `min_cadences`, along the last axis."""
    n = flaring.shape[-1]
    result = np.zeros_like(flaring)
    if n < min_cadences:
        return result
    starts = flaring[..., : n - min_cadences + 1].copy()
    for shift in range(1, min_cadences):
        starts &= flaring[..., shift : n - min_cadences + 1 + shift]
    for shift in range(min_cadences):
        result[..., shift : n - min_cadences + 1 + shift] |= starts
    return result


def covered(runs: np.ndarray, peak: int, tolerance: int, merge_gap: int) -> np.ndarray:
    """Tell whether the rule's flares cover a peak, given the runs around it; bool, shape (batch,).

    Parameters
    ----------
    runs : bool, shape (batch, n)
        From `in_runs`; at least `MaskRule.reach` cadences on both sides of the peak.
    peak : int
        Index of the peak on the last axis.
    tolerance : int
        A flare that ends or begins within so many cadences of the peak covers it too.
    """
    near: np.ndarray = np.any(runs[:, peak - tolerance : peak + tolerance + 1], axis=1)
    if merge_gap == 1:  # no cadence is between two runs of one flare
        return near
    before, after = runs[:, :peak], runs[:, peak + 1 :]
    # cadences between the peak and the nearest run; where there is none, argmax says 0 as well
    to_before = before[:, ::-1].argmax(axis=1)
    to_after = after.argmax(axis=1)
    both = before.any(axis=1) & after.any(axis=1)
    return near | (both & (to_before + to_after + 1 < merge_gap))
