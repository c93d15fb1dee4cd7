"""What the searches must show, each with its limit and the figure measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvzmpi.cvz.detection.significance.images import Image
from tools.bench.detection.measured import DEFAULT, MANY, STELLA, Measured
from tools.harness.markdown import markdown_table

_NOISY, _BRIGHT = 425933644, 261136679
_SIGMAS = 2.0


@dataclass(frozen=True)
class Fact:
    """A figure and its limit."""

    what: str
    limit: str
    figure: str
    met: bool


def table(measured: Measured) -> str:
    """All of them."""
    facts = [*_recall(measured), *_false(measured), *_injected(measured), *_simulated(measured)]
    facts += _cost(measured)
    rows = [(f.what, f.limit, f.figure, "yes" if f.met else "**no**") for f in facts]
    return markdown_table(("figure", "limit", "measured", "met"), rows)


def _recall(measured: Measured) -> list[Fact]:
    real = measured.real
    found = real.found[:, DEFAULT]
    facts = [_share("catalogue flares found", found.sum(), len(found), 0.95)]
    many = [c for c in real.light_curves if len(c.known) >= MANY]
    if many:
        worst = min(many, key=lambda c: c.found[:, DEFAULT].mean())
        k, n = worst.found[:, DEFAULT].sum(), len(worst.known)
        facts.append(_share(f"the same, TIC {worst.name}, the lowest", k, n, 0.90))
    lost = [
        real.reason(curve, k)
        for curve in real.light_curves
        for k in range(len(curve.known))
        if curve.amplitude[k] > 10 and not curve.found[k, DEFAULT]
    ]
    names = "; ".join(lost) or "none missed"
    facts.append(Fact("missed of those above 10 errors", "none without reason", names, True))
    return facts


def _false(measured: Measured) -> list[Fact]:
    real, image = measured.real, Image.INVERTED
    quiet, flaring = (real.false_alarms(kind, image)[DEFAULT] for kind in (False, True))
    n_quiet = len(real.of_stars(False))
    n_found = sum(c.by_search[DEFAULT].n_flares for c in real.of_stars(True))
    facts = []
    if n_quiet:
        mean = quiet.n / n_quiet
        text = f"{mean:.2f} ({quiet.n} in {n_quiet})"
        facts.append(Fact("events in an inverted quiet star", "<= 0.5", text, mean <= 0.5))
    if n_found:
        share = flaring.n / n_found
        text = f"{share:.1%} ({flaring.n} for {n_found})"
        what = "events in inverted flare stars, of flares found"
        facts.append(Fact(what, "<= 5 %", text, share <= 0.05))
    for curve in real.light_curves:
        if curve.file.tic == _NOISY:
            stella, ours = (curve.by_search[k].n_flares for k in (STELLA, DEFAULT))
            what = f"flares of the noisy TIC {curve.name}"
            facts.append(Fact(what, "fewer", f"{ours} (stella {stella})", ours < stella / 2))
    return facts


def _injected(measured: Measured) -> list[Fact]:
    facts = []
    for curve in measured.real.light_curves:
        if curve.file.tic == _BRIGHT:
            answers, counted = curve.recovered()
            stella, ours = (float(answers[k][counted].mean()) for k in (STELLA, DEFAULT))
            text = f"{ours:.1%} (stella {stella:.1%})"
            facts.append(Fact(f"injected, bright TIC {curve.name}", ">= 45 %", text, ours >= 0.45))
    looks = [look.equal for look in measured.real.looks]
    difference = np.array([look.significance - look.stella for look in looks])
    fewer = difference < -_SIGMAS * np.array([look.error for look in looks])
    text = f"{fewer.sum()} fewer, {np.sum(difference >= 0)} as many or more, of {len(looks)}"
    limit = f"none fewer by {_SIGMAS:g} standard errors"
    what = "injected by significance, less stella's at its false-alarm rate"
    facts.append(Fact(what, limit, text, not fewer.any()))
    return facts


def _simulated(measured: Measured) -> list[Fact]:
    simulated = measured.simulated
    low = measured.low_limit.bins()
    n_covered, n_rates = simulated.coverage(DEFAULT)
    coverage = n_covered / n_rates
    text = ", ".join(
        f"{100 * (one.true - one.reliability):+.0f} ({one.n} flares)" if one.n else "none"
        for one in low
    )
    return [
        _share("simulated: true of those found", *simulated.purity(DEFAULT), 0.90),
        _share("the same above the 50 % limit", *simulated.purity(DEFAULT, 1.0), 0.97),
        Fact(
            "true share less reliability in five bins, points",
            "<= 5 and chance",
            text,
            all(one.met for one in low),
        ),
        Fact(
            "68 % intervals of rates that hold the truth",
            "60 to 76 %",
            f"{coverage:.0%} (of {n_rates})",
            0.60 <= coverage <= 0.76,
        ),
    ]


def _cost(measured: Measured) -> list[Fact]:
    facts = []
    for cost in measured.costs:
        name = cost.name.replace("_", ", ")
        ratio = f"{cost.ratio:.2f}"
        facts.append(
            Fact(f"cost over that before, TIC {name}", "<= 1.25", ratio, cost.ratio <= 1.25)
        )
    largest = max(cost.n_bytes for cost in measured.costs) / 1e6
    facts.append(Fact("sector file", "<= 2.5 MB", f"{largest:.2f} MB", largest <= 2.5))
    return facts


def _share(what: str, k: int, n: int, at_least: float) -> Fact:
    share = k / n if n else float("nan")
    return Fact(what, f">= {at_least:.0%}", f"{share:.1%} ({k} of {n})", share >= at_least)
