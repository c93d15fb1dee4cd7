"""The whole benchmark: everything measured in order, then written."""

from __future__ import annotations

import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

from tools.bench import growth
from tools.bench.light_curve import decisions, detector, gaussian_process, whole
from tools.bench.light_curve.detector import Ensemble
from tools.bench.measuring.cores import stay_on_one
from tools.bench.measuring.curves import light_curve_files
from tools.bench.measuring.machine import SgemmPeak, facts
from tools.bench.measuring.timing import Samples
from tools.bench.projection import project
from tools.bench.ranks import scheduler, team
from tools.bench.reference.process import Reference
from tools.bench.report.figure import draw
from tools.bench.report.page import table, write
from tools.bench.results import Plan, Results


def measure_everything(plan: Plan, output: Path) -> None:
    """Measure, print the table, and write it and the figure.

    Parameters
    ----------
    plan : Plan
    output : Path
        Directory for `benchmark.md` and `images/`.
    """
    stay_on_one()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cvzmpi-bench-") as directory:
        results = _measure(plan, Path(directory))
    results.minutes = (time.monotonic() - begin) / 60
    draw(results.growths, output / "images" / "benchmark_scaling.png")
    write(results, output / "benchmark.md")
    print("\n" + table(results) + "\n")
    _say(f"all of it is in {output.name}/benchmark.md ({results.minutes:.0f} min)")


def _measure(plan: Plan, scratch: Path) -> Results:
    files, curves = light_curve_files(scratch, plan.n_light_curves)
    peak = SgemmPeak()
    peak.measure()
    ensemble = Ensemble()
    start, start_complete, reference_start = _starts(plan, scratch)
    with Reference(scratch) if plan.reference else nullcontext() as reference:
        _say("detection and injections")
        detector_times = detector.measure(ensemble, reference, plan.repeats, plan.n_flares)
        peak.measure()
        _say("Gaussian process")
        process = gaussian_process.measure(ensemble, files, reference)
        tensorflow = reference.tensorflow if reference is not None else ""
    peak.measure()
    _say(f"whole light curves: {len(files)}")
    whole_times = whole.measure(files, scratch, plan.n_inject)
    peak.measure()
    _say("team of two against one, checkpoints, memory")
    team_times = team.measure(files[0], scratch, plan.repeats, plan.n_inject)
    _say("scheduler")
    scheduler_times = scheduler.measure(plan.repeats, plan.n_units, plan.n_teams, plan.longest_unit)
    _say("growth with cadences, networks, injections, ranks")
    growths = growth.measure(ensemble, plan.repeats, quick=plan.is_quick)
    growths.append(growth.by_rank(files[0], scratch, plan.n_inject, plan.repeats, team_times))
    peak.measure()
    _say(f"recovery decisions: {plan.n_decisions:,}")
    compared, by_curve = decisions.measure(files, plan.n_decisions)
    return Results(
        plan=plan,
        facts=facts(),
        curves=curves,
        peak=peak,
        detector=detector_times,
        process=process,
        whole=whole_times,
        team=team_times,
        start=start,
        start_complete=start_complete,
        reference_start=reference_start,
        scheduler=scheduler_times,
        compared=compared,
        compared_by_curve=by_curve,
        growths=growths,
        projection=project(whole_times.job_seconds) if not plan.is_quick else None,
        tensorflow=tensorflow,
    )


def _starts(plan: Plan, scratch: Path) -> tuple[Samples, Samples, Samples | None]:
    """Fresh processes, ours and the reference in turn; the first of each warms the disk's cache."""
    _say("start of a worker")
    ours, theirs = [], []
    for _ in range(plan.repeats + 1):
        ours.append(team.worker_start())
        if plan.reference:
            with Reference(scratch) as reference:
                theirs.append(reference.seconds_to_start)
    ready, complete = (Samples.of(column) for column in zip(*ours[1:], strict=True))
    return ready, complete, Samples.of(theirs[1:]) if theirs else None


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)
