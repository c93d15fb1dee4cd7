"""Qualities of the data that are shown, and that no criterion asks for.

They are measured at the telescope. Each dataset has their quartiles over its frames; a program has
the median of the medians of its spectropolarimetric datasets.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from cvzmpi.level2.metadata_store.dataset import Dataset, Distribution
from cvzmpi.level2.programs.program import ObservingProgram
from cvzmpi.web.chart import Axis, Chart, Mark, Series

_MOST_BINS = 40
_REACH = 5.0  # in interquartile ranges beyond the quartiles; what is farther is not drawn


@dataclass(frozen=True)
class Quality:
    """A quality of the data."""

    name: str
    title: str
    unit: str
    caption: str
    of: Callable[[Dataset], Distribution | None]

    def in_words(self, value: float) -> str:
        """A value with its unit."""
        return f"{value:.4g} {self.unit}".rstrip()


QUALITIES = (
    Quality(
        "light_level",
        "Light level",
        "",
        "The telescope's light level, in the units of the keyword LIGHTLVL.",
        lambda d: d.light_level,
    ),
    Quality(
        "fried_parameter",
        "Fried parameter",
        "m",
        "The Fried parameter r0: the larger, the steadier the air.",
        lambda d: d.fried_parameter,
    ),
    Quality(
        "polarimetric_accuracy",
        "Polarimetric accuracy",
        "",
        "The polarimetric accuracy, as a fraction of the intensity.",
        lambda d: d.polarimetric_accuracy,
    ),
)


def qualities(programs: Iterable[ObservingProgram]) -> dict[str, dict[str, float]]:
    """By name of a quality, the value of each program that has one."""
    found: dict[str, dict[str, float]] = {quality.name: {} for quality in QUALITIES}
    for program in programs:
        for quality in QUALITIES:
            known = [quality.of(dataset) for dataset in program.spectropolarimetric]
            medians = [one.med for one in known if one is not None and one.med is not None]
            if medians:
                found[quality.name][program.name] = median(medians)
    return found


def quality_charts(found: Mapping[str, Mapping[str, float]], program: str = "") -> list[Chart]:
    """A histogram of each quality over the programs, with the value of one of them marked."""
    return [_chart(quality, found[quality.name], program) for quality in QUALITIES]


def _chart(quality: Quality, values: Mapping[str, float], program: str) -> Chart:
    marks = []
    caption = f"{quality.caption} One value of each program: the median over its datasets."
    series: tuple[Series, ...] = ()
    covers: tuple[float, ...] = ()
    if values:
        middle = median(values.values())
        marks.append(Mark(middle, f"median {quality.in_words(middle)}"))
        near, far = _without_outliers(sorted(values.values()))
        series = (_histogram(near),)
        if far:
            several = f", from {quality.in_words(far[0])} to {quality.in_words(far[-1])}"
            caption += f" Not drawn: {len(far)} far from the others{several}."
    if program in values:
        marks.append(Mark(values[program], f"this program {quality.in_words(values[program])}"))
        covers = (values[program],)
    return Chart(
        quality.name,
        quality.title,
        caption,
        Axis(quality.title, quality.unit, covers=covers),
        Axis("Programs", whole=True, covers=(0.0,)),
        series,
        marks=tuple(marks),
        nothing="The metadata store gives no value.",
    )


def _without_outliers(values: list[float]) -> tuple[list[float], list[float]]:
    """Those of sorted values that are to be drawn, and those so far away that nothing is seen."""
    n = len(values)
    low, high = values[n // 4], values[(3 * n) // 4]
    reach = _REACH * (high - low)
    if not 0 < reach < math.inf:
        return values, []
    near = [value for value in values if low - reach <= value <= high + reach]
    return near, [value for value in values if not low - reach <= value <= high + reach]


def _histogram(values: list[float]) -> Series:
    """The number of values, at least one, in bins of equal width; all of them are finite."""
    low, high = min(values), max(values)
    if high - low < 1e-6 * max(abs(high), 1e-6):
        width = max(abs(high) * 0.05, 1e-6)
        low, high = low - width, high + width
    n_bins = min(max(int(2 * math.sqrt(len(values))), 5), _MOST_BINS)
    n_bins += 1 - n_bins % 2  # odd, so that one value alone is in the middle of a bin
    counts = [0] * n_bins
    for value in values:
        # halves, since the difference of two numbers of the store may be too large
        part = (value / 2 - low / 2) / (high / 2 - low / 2)
        counts[min(int(part * n_bins), n_bins - 1)] += 1
    edges = [low * (1 - i / n_bins) + high * (i / n_bins) for i in range(n_bins + 1)]
    return Series("programs", edges, counts, kind="bars")
