"""The figure of docs/calibration.md."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from cvzmpi.cvz.results.products.recovered_fraction import binned
from tools.calibration.page import BINS
from tools.calibration.sample import Sample

# Okabe and Ito's colours, which everybody can tell apart; the markers differ as well.
_COLOURS, _MARKERS = ("#0072B2", "#D55E00"), "os"
_LABELS = {"alike": "FWHMs as injected", "longer": "longer FWHMs"}


def draw(samples: dict[str, Sample], path: Path) -> None:
    """Calibration, completeness by equivalent duration, and measured equivalent durations."""
    figure, panels = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
    panels[0].plot([0, 1], [0, 1], color="0.6", lw=1)
    panels[2].axhline(1, color="0.6", lw=1)
    for name, sample, colour, marker in zip(
        samples, samples.values(), _COLOURS, _MARKERS, strict=True
    ):
        alone = sample.select(sample.alone)
        style = {"color": colour, "marker": marker, "label": _LABELS[name]}
        _calibration(panels[0], alone, **style)
        _completeness(panels[1], alone, **style)
        for durations, filled in ((alone.mask_duration, False), (alone.template_duration, True)):
            panels[2].plot(
                alone.relative_duration,
                durations / alone.duration,
                linestyle="none",
                marker=marker,
                ms=3.5 if filled else 3,
                color=colour,
                mfc=colour if filled else "none",
                alpha=0.8 if filled else 0.45,
            )
    panels[0].set(xlabel="found fraction, predicted", ylabel="found fraction")
    panels[0].legend(title="by amplitude and FWHM", loc="upper left")
    panels[1].set(xscale="log", xlabel="true ED / predicted 50 % limit", ylabel="found fraction")
    panels[1].legend(title="line: predicted by ED", loc="lower right")
    panels[2].set(
        xscale="log",
        ylim=(0, 2),
        xlim=(0.4, 100),
        xlabel="true ED / 50 % limit",
        ylabel="measured ED / true ED",
        title="filled: template, open: sum over the mask",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _calibration(panel: Axes, alone: Sample, **style: str) -> None:
    bins = np.digitize(alone.of_alike, BINS[1:-1])
    middle = [alone.of_alike[bins == number].mean() for number in range(len(BINS) - 1)]
    _found_fraction(panel, alone, alone.of_alike, BINS, middle, **style)


def _completeness(panel: Axes, alone: Sample, **style: str) -> None:
    edges = np.geomspace(0.1, 30, 14)
    middle = np.sqrt(edges[1:] * edges[:-1])
    _found_fraction(panel, alone, alone.relative_duration, edges, middle, **style)
    order = np.argsort(alone.relative_duration)
    size, predicted = alone.relative_duration[order], alone.of_duration[order]
    smooth = np.convolve(predicted, np.ones(25) / 25, mode="valid")
    panel.plot(size[12 : 12 + len(smooth)], smooth, color=style["color"], lw=1)


def _found_fraction(
    panel: Axes,
    alone: Sample,
    values: np.ndarray,
    edges: np.ndarray,
    middle: ArrayLike,
    **style: str,
) -> None:
    """Points with error bars: the fraction that was found, in bins of some value."""
    counts = binned(values, alone.found[:, None], edges)
    low, high = counts.interval()
    errors = np.abs(np.stack([counts.fraction - low, high - counts.fraction]))
    panel.errorbar(middle, counts.fraction, errors, linestyle="none", capsize=2, **style)
