"""docs/benchmark.md: the table, what is behind it, the machine, and how to read it."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench.measuring.timing import number
from tools.bench.ranks.scheduler import N_RANKS
from tools.bench.report.rows import all_rows
from tools.bench.results import Results
from tools.harness.markdown import markdown_table

_MET = {True: "yes", False: "**no**", None: ""}

_HOW_TO_READ = """\
Wall-clock time; medians, and in brackets the smallest and the largest of {repeats} repetitions (or
of all light curves, where there are several). Ours and the reference take turns on the same core,
with one thread each, so that both see the same machine.

- **limit**: the floating point operations of all matrix products that are done, counted from their
  shapes (`tools/bench/light_curve/flops.py`), at the highest rate that this core reached with
  single-precision products of 2048 x 2048 matrices in this same run: {peak:.0f} GFLOP/s.
  **share** is limit / ours.
- **one injection** is the flare's template, its probabilities, the mask rule and the decision;
  ours in portions of {ticket} flares as in a real run. Keras gets the 64 windows around the peak,
  and its time is that of the second call. `model.predict` is how Keras documents it and people use
  it; the lines below it are the same injection in faster and in slower ways.
- **celerite2** begins at our period, has our bounds, and computes no standard deviation,
  which would need gigabytes.
- **a whole light curve** is the sum of the stages as its file has them; "with everything around"
  is the time of the whole process from its start, divided by the number of light curves.
- **team of two**: its limit is measured too: two jobs at the same time that share nothing but the
  machine. Cores that share execution units or caches do not give twice the speed of one.
- **checkpoint cost** is the part of a light curve's time in which the busier rank of the team wrote
  its file or, between injections, waited for the other one in order to.
- **assignments a second**: the leaders are played by the ranks beside rank 0, with the messages of
  a real job and no work. The ratio is of equals: {players} leaders against {players} workers.
- **decisions**: `tools/bench/light_curve/decisions.py` says what "nothing left out" means.
"""


def table(results: Results) -> str:
    """The main table as Markdown."""
    columns = ("what", "reference", "ours", "ratio", "limit", "share", "target", "met?")
    return markdown_table(
        columns,
        (
            (r.what, r.reference, r.ours, r.ratio, r.limit, r.share, r.target, _MET[r.met])
            for r in all_rows(results)
        ),
    )


def write(results: Results, path: Path) -> None:
    """Write the page."""
    text = _HOW_TO_READ.format(
        repeats=results.plan.repeats,
        peak=results.peak.flops / 1e9,
        ticket=FLARES_PER_TICKET,
        players=N_RANKS - 1,
    )
    parts = [
        "# How fast cvzmpi is",
        f"Written by `make bench` in {results.minutes:.0f} minutes; do not edit.",
        table(results),
        "## How to read it",
        text,
        "## Whole light curves",
        f"The {results.curves}, one core, seconds by stage.",
        _light_curves(results),
        "## The same answers",
        _answers(results),
        "## How the cost grows",
        "![cost against cadences, networks, injections and ranks](images/benchmark_scaling.png)",
        _growth(results),
        *_projection(results),
        "## The machine",
        "\n".join(f"- {name}: {fact}" for name, fact in _facts(results).items()),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(part.rstrip() for part in parts) + "\n", encoding="utf-8")


def _light_curves(results: Results) -> str:
    compared = results.compared_by_curve
    rows = [
        (
            one.name,
            f"{one.n_usable:,}",
            *(f"{one.stages[stage]:.2f}" for stage in Stage),
            f"{one.total:.2f}",
            f"{compared[one.name].differing} of {compared[one.name].n:,}",
        )
        for one in results.whole.light_curves
    ]
    return markdown_table(
        ("light curve", "evaluated", *Stage, "sum", "decisions that differ"), rows
    )


def _answers(results: Results) -> str:
    detector, compared = results.detector, results.compared
    lines = [
        f"- Of {compared.n:,} recovery decisions {compared.differing} ({compared.share:.3%}) "
        "differ from those with the whole flare, the new median and all windows: "
        f"{compared.lost} are lost, {compared.gained} gained; {compared.recovered:,} of all are "
        "recovered."
    ]
    if detector.stella is not None:
        gains = ", ".join(f"{gain:+.2f}" for gain in results.process.gains)
        lines += [
            "- Largest difference of a probability to stella's, over ten models and all cadences "
            f"that both evaluate: {detector.stella_difference:.1e}; of the median around an "
            f"injected flare: {detector.keras_difference:.1e} (float32 in both).",
            "- Logarithm of the likelihood of the Gaussian process over celerite2's with "
            f"Nelder-Mead, by light curve: {gains}.",
        ]
    return "\n".join(lines)


def _growth(results: Results) -> str:
    lines = [
        f"- {growth.what}, by {growth.size}: exponent {growth.exponent:.2f}"
        for growth in results.growths
        if len(growth.sizes) > 1
    ]
    service, rate = results.scheduler.service, results.scheduler.capacity.median
    lines.append(
        f"- Rank 0 gave all {service.n_teams:,} imitated teams their first unit in "
        f"{service.start_seconds:.2f} s. Then they need {number(service.assignments_per_second)} "
        f"assignments a second, of the {number(rate)} that it can make."
    )
    return "An exponent of 1 is exactly linear.\n\n" + "\n".join(lines)


def _projection(results: Results) -> list[str]:
    planned = results.projection
    if planned is None:
        return []
    text = (
        f"The {planned.n_targets:,} CVZ stars of the target list have {planned.n_light_curves:,} "
        f"light curves. At the measured {planned.seconds_each:.1f} s each (start, reading and all "
        f"checkpoints included) that is **{number(planned.core_hours)} core-hours**, or "
        f"{number(planned.hours_on(1000))} hours on 1,000 cores."
    )
    keras = results.detector.keras.get("predict")
    if keras is not None:
        n = max(one.n_injections for one in results.whole.light_curves)
        hours = planned.n_light_curves * n * keras.median / 3600
        text += f" The injections alone, with preloaded Keras: {number(hours)} core-hours."
    return ["## The whole campaign", text]


def _facts(results: Results) -> dict[str, str]:
    facts = dict(results.facts)
    facts["sgemm"] = (
        f"{results.peak.flops / 1e9:.0f} GFLOP/s at best, {min(results.peak.rates) / 1e9:.0f} at "
        f"worst, in {len(results.peak.rates)} products between the measurements"
    )
    if results.tensorflow:
        facts["reference"] = f"stella 0.1.0, TensorFlow {results.tensorflow} with Keras 2"
    return facts
