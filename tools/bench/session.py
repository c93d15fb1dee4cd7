"""The whole benchmark: what is measured, in which order, and how much of it."""

from __future__ import annotations

import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench import (
    decisions,
    detector_rows,
    gp_rows,
    machine,
    projection,
    scaling,
    scheduler_rows,
    team_rows,
    whole_rows,
)
from tools.bench.cores import stay_on_one
from tools.bench.curves import light_curve_files
from tools.bench.reference import Reference
from tools.bench.timing import Samples


@dataclass
class Plan:
    """How much is measured.

    Attributes
    ----------
    repeats : int
        Of each measurement.
    n_decisions : int
        Recovery decisions that are compared.
    n_light_curves : int
        At most so many whole ones.
    n_inject : int
        Flares of each of them.
    n_flares : int
        Flares of one measurement of the injections.
    n_units : int
        Assignments of rank 0 with empty work.
    n_teams : int
        Imitated ones.
    longest_unit : float
        Of theirs, in seconds.
    """

    repeats: int = 5
    n_decisions: int = 20_000
    n_light_curves: int = 10
    n_inject: int = 2000
    n_flares: int = 400
    n_units: int = 30_000
    n_teams: int = 10_000
    longest_unit: float = 20.0
    reference: bool = True
    is_quick: bool = False

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that everything works."""
        return cls(2, 200, 2, 100, 40, 5000, 1000, 3.0, reference=False, is_quick=True)


@dataclass
class Results:
    """All that was measured."""

    plan: Plan
    facts: dict[str, str]
    curves: str
    peak: machine.SgemmPeak
    detector: detector_rows.DetectorTimes
    process: gp_rows.GaussianProcessTimes
    whole: whole_rows.WholeTimes
    team: team_rows.TeamTimes
    start: Samples
    start_complete: Samples
    reference_start: Samples | None
    scheduler: scheduler_rows.SchedulerTimes
    compared: decisions.Decisions
    compared_by_curve: dict[str, decisions.Decisions]
    growths: list[scaling.Growth]
    projection: projection.Projection | None
    tensorflow: str = ""
    minutes: float = field(default=0.0)


def measure_everything(plan: Plan, output: Path) -> None:
    """Measure, print the table, and write it and the figure.

    Parameters
    ----------
    plan : Plan
    output : Path
        Directory for `benchmark.md` and `images/`.
    """
    from tools.bench.plots import draw
    from tools.bench.report import table, write

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
    peak = machine.SgemmPeak()
    peak.measure()
    ensemble = detector_rows.Ensemble()
    start, start_complete, reference_start = _starts(plan, scratch)
    with Reference(scratch) if plan.reference else nullcontext() as reference:
        _say("detection and injections")
        detector = detector_rows.measure(ensemble, reference, plan.repeats, plan.n_flares)
        peak.measure()
        _say("Gaussian process")
        process = gp_rows.measure(ensemble, files, reference)
        tensorflow = reference.tensorflow if reference is not None else ""
    peak.measure()
    _say(f"whole light curves: {len(files)}")
    whole = whole_rows.measure(files, scratch, plan.n_inject)
    peak.measure()
    _say("team of two against one, checkpoints, memory")
    team = team_rows.measure(files[0], scratch, plan.repeats, plan.n_inject)
    _say("scheduler")
    scheduler = scheduler_rows.measure(plan.repeats, plan.n_units, plan.n_teams, plan.longest_unit)
    _say("growth with cadences, networks, injections, ranks")
    growths = scaling.measure(ensemble, plan.repeats, quick=plan.is_quick)
    growths.append(scaling.by_rank(files[0], scratch, plan.n_inject, plan.repeats, team))
    peak.measure()
    _say(f"recovery decisions: {plan.n_decisions:,}")
    compared, by_curve = decisions.measure(files, plan.n_decisions)
    return Results(
        plan=plan,
        facts=machine.facts(),
        curves=curves,
        peak=peak,
        detector=detector,
        process=process,
        whole=whole,
        team=team,
        start=start,
        start_complete=start_complete,
        reference_start=reference_start,
        scheduler=scheduler,
        compared=compared,
        compared_by_curve=by_curve,
        growths=growths,
        projection=projection.project(whole.job_seconds) if not plan.is_quick else None,
        tensorflow=tensorflow,
    )


def _starts(plan: Plan, scratch: Path) -> tuple[Samples, Samples, Samples | None]:
    """Fresh processes, ours and the reference in turn; the first of each warms the disk's cache."""
    _say("start of a worker")
    ours, theirs = [], []
    for _ in range(plan.repeats + 1):
        ours.append(team_rows.worker_start())
        if plan.reference:
            with Reference(scratch) as reference:
                theirs.append(reference.seconds_to_start)
    ready, complete = (Samples.of(column) for column in zip(*ours[1:], strict=True))
    return ready, complete, Samples.of(theirs[1:]) if theirs else None


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)
