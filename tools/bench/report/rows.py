"""The rows of the table that one core answers, each with its target."""

from __future__ import annotations

from tools.bench.measuring.timing import Samples, duration
from tools.bench.report.parallel_rows import parallel_rows
from tools.bench.report.row import Row, ratio_of
from tools.bench.report.row import times as as_times
from tools.bench.results import Results

_PUBLISHED = 2 * 3600 * 10 / 20_000  # core-seconds for each injection: 2 h, 10 cores, 20,000


def all_rows(results: Results) -> list[Row]:
    """The table, in the order of the targets."""
    return [
        _detect(results),
        _injection(results),
        *_other_injections(results),
        _gaussian_process(results),
        _whole(results),
        *parallel_rows(results),
        _decisions(results),
    ]


def _limited(flops: float, results: Results, ours: Samples) -> dict[str, str]:
    """The limit by the operations and the core's peak, and how near we are."""
    limit = flops / results.peak.flops
    return {"limit": duration(limit), "share": f"{limit / ours.median:.0%}"}


def _detect(results: Results) -> Row:
    times = results.detector
    ratio = ratio_of(times.stella, times.detect)
    return Row(
        "detect: 20,000 cadences x 10 models",
        f"`stella.predict` {times.stella.text()}" if times.stella else "",
        times.detect.text(),
        as_times(ratio),
        **_limited(times.detect_flops, results, times.detect),
        target="<= 0.6 s, >= 20 x",
        met=times.detect.median <= 0.6 and (ratio != ratio or ratio >= 20),
    )


def _injection(results: Results) -> Row:
    times = results.detector
    keras = times.keras.get("predict")
    ratio = ratio_of(keras, times.injection)
    return Row(
        "one injection, 10 models, end to end, in bulk",
        f"preloaded Keras, `model.predict` {keras.text()}" if keras else "",
        times.injection.text(),
        as_times(ratio),
        **_limited(times.injection_flops, results, times.injection),
        target="<= 0.6 ms, >= 500 x",
        met=times.injection.median <= 0.6e-3 and (ratio != ratio or ratio >= 500),
    )


def _other_injections(results: Results) -> list[Row]:
    """The same injection beside every other way that we know."""
    times = results.detector
    ways = [
        ("`model(x)`", times.keras.get("call")),
        ("a graph compiled for its 64 windows", times.keras.get("compiled")),
        ("the whole curve predicted again", times.full_prediction),
        ("published (quoted)", Samples.of([3.0])),
    ]
    return [
        Row(
            f"- beside: {name}",
            way.text(),
            times.injection.text(),
            as_times(ratio_of(way, times.injection)),
        )
        for name, way in ways
        if way is not None
    ]


def _gaussian_process(results: Results) -> Row:
    times = results.process
    better = sum(gain > -0.01 for gain in times.gains)
    likelihood = f"; likelihood not below in {better} of {len(times.gains)}" if times.gains else ""
    return Row(
        "GP fit, mean and standard deviation at every cadence",
        f"celerite2, Nelder-Mead, mean only {times.theirs.text()}" if times.theirs else "",
        times.ours.text() + likelihood,
        as_times(ratio_of(times.theirs, times.ours)),
        target="<= 0.3 s, better likelihood",
        met=times.ours.median <= 0.3 and better == len(times.gains),
    )


def _whole(results: Results) -> Row:
    whole = results.whole
    n = max(one.n_injections for one in whole.light_curves)
    cadences = sum(one.n_usable for one in whole.light_curves) / len(whole.light_curves)
    per_cadence = results.detector.detect_flops / 20_000
    return Row(
        f"a whole light curve, {n:,} injections, all stages and checkpoints",
        "2 h x 10 cores (published)",
        f"{whole.total.text()}; with everything around {duration(whole.job_seconds)}",
        as_times(_PUBLISHED * n / whole.job_seconds),
        **_limited(
            per_cadence * cadences + results.detector.injection_flops * n, results, whole.total
        ),
        target="<= 20 s of one core",
        met=max(whole.total.median, whole.job_seconds) <= 20,
    )


def _decisions(results: Results) -> Row:
    compared = results.compared
    return Row(
        "recovery decisions that differ from those with nothing left out",
        f"whole flare, new median, all windows: {compared.n:,} decisions",
        f"{compared.differing} ({compared.share:.3%})",
        target="<= 0.1 %",
        met=compared.share <= 1e-3,
    )
