"""docs/detection.md: the figures put into its text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import SignificanceConfig
from cvzmpi.cvz.detection.significance import images, vetting
from cvzmpi.cvz.detection.significance.whitened.templates import LONGEST_MINUTES
from tools.bench.detection import low_limits
from tools.bench.detection.measured import DEFAULT, SIGNIFICANCE, Measured
from tools.bench.detection.report import facts, tables
from tools.harness.markdown import markdown_table

_PAGE = Path(__file__).with_name("page.md")


def page(measured: Measured) -> str:
    """Write the page."""
    real, simulated = measured.real, measured.simulated
    return _PAGE.read_text(encoding="utf-8").format(
        default=tables.NAMES[DEFAULT],
        n_real=len(real.light_curves),
        n_known=len(real.found),
        n_simulated=sum(len(c.files) for c in simulated.campaigns),
        n_inject=measured.n_inject,
        n_repeat=measured.n_repeat,
        min_snr=SignificanceConfig().min_snr,
        longest=LONGEST_MINUTES,
        block=images.BLOCK,
        vetting=vetting,
        chance=float(np.mean([found.chance for found in simulated.found[SIGNIFICANCE]])),
        reasons=_reasons(measured),
        facts=facts.table(measured),
        light_curves=tables.light_curves(real),
        recall=tables.recall(real),
        by_amplitude=tables.recall_by_amplitude(real),
        by_snr=tables.recall_by_snr(real),
        missed=tables.missed(real),
        refused=tables.refused(real),
        false_alarms=tables.false_alarms(real),
        injected=tables.injected(real),
        truth=tables.truth(simulated),
        reliability=tables.reliability(simulated),
        low_limit=tables.low_limit(measured.low_limit),
        low_snr=low_limits.MIN_SNR,
        rates=tables.rates(simulated),
        costs=tables.costs(measured),
    )


def _reasons(measured: Measured) -> str:
    """The figures that decide about the default search, one line each."""
    real, simulated = measured.real, measured.simulated
    lines = []
    for number in range(real.found.shape[1]):
        name = tables.NAMES[number]
        true, n = simulated.purity(number)
        above, n_above = simulated.purity(number, 1.0)
        recalls = np.array([found.recall(0.5) for found in simulated.found[number]]).sum(axis=0)
        events = sum(
            alarm.n
            for flaring in (False, True)
            for image in images.Image
            for alarm in [real.false_alarms(flaring, image)[number]]
        )
        lines.append(
            (
                name,
                f"{real.found[:, number].mean():.1%}",
                str(sum(curve.by_search[number].n_flares for curve in real.light_curves)),
                str(events),
                f"{true / n:.1%}",
                f"{above / n_above:.1%}",
                f"{recalls[0] / recalls[1]:.1%}",
                *(
                    f"{np.mean(_injected(measured, number, bright)):.1%}"
                    for bright in (True, False)
                ),
            )
        )
    columns = ("search", "catalogue flares found", "flares in all", "events in mirror images")
    more = ("simulated: purity", "above the 50 % limit", "recall above it")
    last = ("injected, brighter half", "injected, fainter half")
    return markdown_table((*columns, *more, *last), lines)


def _injected(measured: Measured, search: int, bright: bool) -> list[float]:
    """The found share of injected flares of the light curves with the smaller, or larger errors."""
    curves = sorted(measured.real.light_curves, key=lambda curve: curve.error)
    half = -(-len(curves) // 2)
    shares = []
    for curve in curves[:half] if bright else curves[half:] or curves:
        answers, counted = curve.recovered()
        shares.append(float(answers[search][counted].mean()))
    return shares
