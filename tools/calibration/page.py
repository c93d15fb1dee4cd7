"""docs/calibration.md: what was predicted, what was found, and why they differ where they do."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from tools.calibration.sample import LEVELS, Sample, deviation
from tools.harness.markdown import markdown_table

BINS = np.array([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
_DURATIONS = (0.5, 1, 2, 4, 10, 1000)  # in 50 % limits

_PAGE = Path(__file__).with_name("page.md")


def page(
    samples: dict[str, Sample], n_light_curves: int, n_inject: int, rates: str, false: str
) -> str:
    """Write the page."""
    return _PAGE.read_text(encoding="utf-8").format(
        n_light_curves=n_light_curves,
        n_inject=n_inject,
        agreement=_agreement(samples),
        limits=_limits(samples),
        crowded=_crowded(samples),
        durations=_durations(samples),
        rates=rates,
        false_flares=false,
    )


def found_curve(sample: Sample) -> CompletenessCurve:
    """The completeness of the simulated flares themselves, by relative equivalent duration."""
    alone = sample.select(sample.alone)
    return CompletenessCurve.fit(alone.relative_duration, alone.found[:, None])


def _agreement(samples: dict[str, Sample]) -> str:
    rows = []
    for name, sample in samples.items():
        alone = sample.select(sample.alone)
        for low, high in [*pairwise(BINS), (0.0, 1.0)]:
            cells = [name, "all" if high - low == 1 else f"{low:.0%} to {high:.0%}"]
            for predicted in (alone.of_alike, alone.of_duration):
                inside = (predicted >= low) & ((predicted < high) | (high == 1))
                found = alone.found[inside]
                sigma = deviation(found, predicted[inside])
                cells.append(
                    f"{found.sum()} of {len(found)}, predicted {predicted[inside].sum():.1f} "
                    f"({sigma:+.1f} sigma)"
                )
            rows.append(cells)
    return markdown_table(("flares", "predicted", "by amplitude and FWHM", "by ED"), rows)


def _limits(samples: dict[str, Sample]) -> str:
    rows = []
    for name, sample in samples.items():
        curve = found_curve(sample)
        for level, predicted in zip(LEVELS, sample.limits.mean(axis=0), strict=True):
            limit = curve.limit(level)
            rows.append(
                (
                    name,
                    f"{level:.0%}",
                    f"{predicted:.2f}",
                    f"{limit.value:.2f} ({limit.low:.2f} to {limit.high:.2f})",
                )
            )
    return markdown_table(("flares", "limit", "predicted", "found"), rows)


def _crowded(samples: dict[str, Sample]) -> str:
    lines = []
    for name, sample in samples.items():
        crowded = sample.select(~sample.alone)
        covered, expected = crowded.found.sum(), crowded.of_alike.sum()
        lines.append(
            f"*{name}*: {len(crowded.found)} of {len(sample.found)} flares; {covered} are covered "
            f"by a detected flare, {expected:.1f} would be if they were alone."
        )
    return "\n".join(lines)


def _durations(samples: dict[str, Sample]) -> str:
    both = {
        name: np.concatenate([getattr(s.select(s.alone), name) for s in samples.values()])
        for name in ("relative_duration", "duration", "mask_duration", "template_duration")
    }
    rows = []
    for low, high in pairwise(_DURATIONS):
        inside = (both["relative_duration"] >= low) & (both["relative_duration"] < high)
        cells = [f"{low:g} to {high:g}"]
        for name in ("mask_duration", "template_duration"):
            ratio = (both[name] / both["duration"])[inside & np.isfinite(both[name])]
            few, middle, many = np.quantile(ratio, [0.16, 0.5, 0.84])
            cells.append(f"{middle:.2f} ({few:.2f} to {many:.2f}), {len(ratio)} flares")
        rows.append(cells)
    return markdown_table(("true ED / limit", "sum over the mask", "fitted template"), rows)
