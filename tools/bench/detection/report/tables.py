"""The tables of docs/detection.md."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from tools.bench.detection.false_alarms import IMAGES, PER_DAYS, SEARCHES
from tools.bench.detection.low_limits import BINS, Bin, LowLimit
from tools.bench.detection.measured import (
    AMPLITUDES,
    MANY,
    RELIABILITIES,
    SIGNIFICANCE,
    SNRS,
    Measured,
    RealLightCurves,
    Simulated,
)
from tools.harness.markdown import markdown_table

NAMES = tuple(str(search) for search in SEARCHES)
_GROUPS = {False: "no flares in the catalogue", True: "flare stars"}


def light_curves(real: RealLightCurves) -> str:
    """One line for each real light curve."""
    rows = []
    for curve in real.light_curves:
        inverted, shuffled = (curve.false_alarms(image) for image in IMAGES)
        rows.append(
            (
                curve.name,
                f"{curve.error:.1e}",
                str(len(curve.known)),
                _each(curve.found.sum(axis=0)),
                _each(searched.n_flares for searched in curve.by_search),
                _each(part.n for part in inverted),
                _each(part.n for part in shuffled),
                " / ".join(f"{s.time.evaluated:.1f}" for s in curve.by_search[:2]),
                _raised(curve.file.data.noise_raised),
            )
        )
    columns = ("TIC, sector", "error", "catalogue", "of these found", "flares found")
    more = ("in the inverted image", "in the shuffled one", "days", "noise raised by")
    return markdown_table((*columns, *more), rows)


def recall(real: RealLightCurves) -> str:
    """Found catalogue flares, of all and of each light curve with many."""
    groups = [("all", real.found)]
    groups += [(c.name, c.found) for c in real.light_curves if len(c.known) >= MANY]
    return _recalls("TIC, sector", [(name, len(f), f.sum(axis=0)) for name, f in groups])


def recall_by_amplitude(real: RealLightCurves) -> str:
    """Found catalogue flares by amplitude."""
    bins = zip(_bins(AMPLITUDES), real.recall_by_amplitude, strict=True)
    return _recalls("amplitude / error", [(name, n, found) for name, (n, found) in bins])


def recall_by_snr(real: RealLightCurves) -> str:
    """Found catalogue flares by S/N."""
    bins = zip(_bins(SNRS), real.recall_by_snr, strict=True)
    return _recalls("S/N", [(name, n, found) for name, (n, found) in bins])


def missed(real: RealLightCurves) -> str:
    """Catalogue flares that the search by significance or stella misses."""
    rows = []
    for curve in real.light_curves:
        for k, flare in enumerate(curve.known):
            if curve.found[k, :2].all():
                continue
            probability = curve.highest(curve.file.data.probability, int(curve.peaks[k]))
            stella = "not looked at" if np.isnan(probability) else f"at most {probability:.2f}"
            rows.append(
                (
                    curve.name,
                    f"{flare.time:.3f}",
                    f"{curve.amplitude[k]:.1f}",
                    f"{flare.fwhm * 1440:.0f} min",
                    "found" if curve.found[k, 0] else f"missed: probability {stella}",
                    "found" if curve.found[k, 1] else f"missed: {real.reason(curve, k)}",
                )
            )
    columns = ("TIC, sector", "BTJD", "amplitude / error", "FWHM", "stella", "significance")
    return markdown_table(columns, rows)


def false_alarms(real: RealLightCurves) -> str:
    """Events in mirror images in 25 days of search."""
    rows = []
    for flaring, group in _GROUPS.items():
        for image in IMAGES:
            alarms = real.false_alarms(flaring, image)
            cells = (f"{part.rate:.2f} ({part.n})" for part in alarms)
            n = len(real.of_stars(flaring))
            rows.append((f"{group}: {n} light curves", image.name.lower(), *cells))
    return markdown_table((f"events in {PER_DAYS:.0f} days", "image", *NAMES), rows)


def injected(real: RealLightCurves) -> str:
    """Found injected flares, and stella's at the same false-alarm rate."""
    rows = []
    for curve, look in zip(real.light_curves, real.looks, strict=True):
        answers, counted = curve.recovered()
        equal = look.equal
        rows.append(
            (
                curve.name,
                *(f"{answer[counted].mean():.1%}" for answer in answers),
                f"{equal.threshold:.3g}",
                f"{equal.n_false:.3g} / {equal.n_false_significance:.3g}",
                f"{equal.stella:.1%}",
                f"{equal.significance - equal.stella:+.1%} ± {equal.error:.1%}",
            )
        )
    columns = ("TIC, sector", *NAMES, "threshold", "false events")
    return markdown_table((*columns, "stella there", "significance less that"), rows)


def truth(simulated: Simulated) -> str:
    """Purity and recall in simulated campaigns."""
    rows = []
    for number, campaign in enumerate(simulated.campaigns):
        for name, found in zip(NAMES, simulated.found, strict=True):
            part = found[number]
            purities = (_share(*part.purity()), _share(*part.purity(1.0)))
            recalls = (_share(*part.recall(0.5)), _share(*part.recall(0.9)))
            counts = f"{part.was_found.sum()}, predicted {part.predicted.sum():.1f}"
            rows.append((campaign.name, name, *purities, *recalls, counts))
    columns = ("campaign", "search", "true of those found", "the same above the 50 % limit")
    more = ("found above the 50 % limit", "above the 90 % limit", "all that were found")
    return markdown_table((*columns, *more), rows)


def reliability(simulated: Simulated) -> str:
    """Reliability against truth."""
    rows = []
    for number, name in enumerate(NAMES):
        cells = [
            f"{n}: {share:.0%} for {mean:.0%}" if n else "none"
            for n, mean, share in simulated.reliability(number)
        ]
        is_true = simulated.is_true(number)
        false = f"{np.sum(~is_true)} for {simulated.estimated[number].n_false:.1f}"
        rows.append((name, *cells, false))
    bins = (f"{low:.0%} to {high:.0%}" for low, high in pairwise(RELIABILITIES))
    return markdown_table(("search", *bins, "false ones"), rows)


def low_limit(found: LowLimit) -> str:
    """Reliability against truth with the low limit: all simulations, and each."""
    names = [None, *dict.fromkeys(found.campaign.tolist())]
    rows = [(name or "all", *(_bin(one) for one in found.bins(name))) for name in names]
    bins = (f"{low:.0%} to {high:.0%}" for low, high in pairwise(BINS))
    return markdown_table(("stars", *bins), rows)


def _bin(one: Bin) -> str:
    if not one.n:
        return "none"
    off = 100 * (one.true - one.reliability)
    return f"{one.n}: {one.true:.1%} ± {one.error:.1%} for {one.reliability:.1%} ({off:+.1f})"


def rates(simulated: Simulated) -> str:
    """Rates against truth."""
    rows = [
        (name, _share(*simulated.coverage(k)), f"{simulated.rate_over_truth(k):.2f}")
        for k, name in enumerate(NAMES)
    ]
    columns = ("search", "68 % intervals that hold the true rate", "rates over true rates")
    return markdown_table(columns, rows)


def costs(measured: Measured) -> str:
    """Processor seconds, and bytes of sector files."""
    rows = [
        (
            cost.name.replace("_", ", "),
            f"{cost.n_injections:,}",
            f"{cost.before:.2f} s",
            f"{cost.everything:.2f} s",
            f"{cost.ratio:.2f}",
            f"{cost.n_bytes / 1e6:.2f} MB",
        )
        for cost in measured.costs
    ]
    columns = ("light curve", "injections", "before", "everything", "ratio", "sector file")
    return markdown_table(columns, rows)


def refused(real: RealLightCurves) -> str:
    """How many events each vetting rule refused, in the light curves themselves."""
    rows = []
    for curve, look in zip(real.light_curves, real.looks, strict=True):
        names = [item.reason.partition(" (")[0] for item in look.refused]
        counts = ", ".join(f"{names.count(name)} {name}" for name in dict.fromkeys(names))
        n = curve.by_search[SIGNIFICANCE].n_flares
        rows.append((curve.name, str(n), str(len(names)), counts.replace(", ", "; ") or "-"))
    return markdown_table(("TIC, sector", "flares", "refused", "by the rules"), rows)


def _recalls(first: str, rows: Iterable[tuple[str, int, np.ndarray]]) -> str:
    lines = [(name, str(n), *(_share(int(k), n) for k in found)) for name, n, found in rows]
    return markdown_table((first, "flares", *NAMES), lines)


def _share(k: int, n: int) -> str:
    return f"{k} of {n} ({k / n:.1%})" if n else "none"


def _each(values: Iterable[int]) -> str:
    return " / ".join(str(value) for value in values)


def _bins(edges: tuple[float, ...]) -> list[str]:
    return [
        f"{low:g} to {high:g}" if np.isfinite(high) else f"from {low:g}"
        for low, high in pairwise(edges)
    ]


def _raised(raised: np.ndarray | None) -> str:
    assert raised is not None
    return f"{raised.max():.2f}" if raised.max() > 1 else "-"
