"""Values in bins, as series of charts and as charts of their own."""

from __future__ import annotations

import numpy as np

from cvzmpi.web.chart import Axis, Chart, Mark, Series

_MOST_BINS = 40


def bin_edges(values: np.ndarray, log: bool = False) -> np.ndarray:
    """Edges of bins of equal width, as many as the values can fill.

    Parameters
    ----------
    values : float64, shape (n,)
        At least one; finite, and above 0 where `log`.
    log : bool
        Equal in the logarithm.

    Returns
    -------
    float64, shape (n_bins + 1,)
    """
    scaled = np.log10(values) if log else values
    low, high = float(scaled.min()), float(scaled.max())
    if high - low < 1e-6 * max(abs(high), 1.0):
        width = 0.1 if log else max(abs(high) * 0.05, 0.05)
        low, high = low - width, high + width
    n_bins = int(np.clip(2 * np.sqrt(len(values)), 5, _MOST_BINS))
    n_bins += 1 - n_bins % 2  # odd, so that one value alone is in the middle of a bin
    edges = np.linspace(low, high, n_bins + 1)
    return 10**edges if log else edges


def histogram(name: str, values: np.ndarray, log: bool = False, colour: str = "series-1") -> Series:
    """How many of the values, at least one, are in each bin."""
    edges = bin_edges(values, log)
    # the ends themselves, which the logarithm may have rounded inwards
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return Series(name, edges.tolist(), counts.tolist(), kind="bars", colour=colour)


def histogram_chart(
    name: str,
    title: str,
    caption: str,
    x: Axis,
    counted: str,
    values: np.ndarray,
    nothing: str,
    colour: str = "series-1",
    median: str = "median {:.3g} s",
) -> Chart:
    """A chart of how many of the values are in each bin, with a mark at their median.

    Parameters
    ----------
    counted : str
        What is counted, in the plural.
    nothing : str
        What is said where there are no values.
    median : str
        The words at the mark, with a place for the median.
    """
    series: tuple[Series, ...] = ()
    marks: tuple[Mark, ...] = ()
    if len(values):
        middle = float(np.median(values))
        series = (histogram(counted, values, x.log, colour),)
        marks = (Mark(middle, median.format(middle)),)
    y = Axis(counted.capitalize(), whole=True, covers=(0.0,))
    return Chart(name, title, caption, x, y, series, marks=marks, nothing=nothing)
