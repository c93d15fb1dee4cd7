"""The whole benchmark: everything measured in order, then written."""

from __future__ import annotations

import csv
import re
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.configuration import InjectConfig
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench import growth
from tools.bench.light_curve import decisions, detector, earlier, gaussian_process
from tools.bench.light_curve.searched import Ensemble
from tools.bench.light_curve.whole import WholeTimes
from tools.bench.measuring.cores import stay_on_one
from tools.bench.measuring.curves import SHARED_DATA, light_curve_files
from tools.bench.measuring.machine import SgemmPeak, facts
from tools.bench.measuring.timing import Samples, number
from tools.bench.ranks import scheduler
from tools.bench.ranks.team import LargerTeam, TeamTimes, worker_start
from tools.bench.reference.process import Reference
from tools.bench.report.figure import draw
from tools.bench.report.table import Row, compared, table

_TARGETS = SHARED_DATA / "tess_cvz_targets.csv"
_PAGE = Path(__file__).parent / "report" / "page.md"


@dataclass
class Plan:
    """How much is measured."""

    repeats: int = 5
    n_decisions: int = 20_000  # recovery decisions that are compared
    n_earlier: int = 200_000  # that are compared with those of an earlier version
    n_light_curves: int = 10  # at most so many whole ones
    n_inject: int = 2000  # flares of each of them
    n_flares: int = 400  # of one measurement of the injections
    n_units: int = 30_000  # assignments of rank 0 with empty work
    n_teams: int = 10_000  # imitated ones
    longest_unit: float = 20.0  # of theirs, in seconds
    larger_teams: tuple[int, ...] = (4, 8)
    reference: bool = True
    is_quick: bool = False

    @classmethod
    def quick(cls) -> Plan:
        """Enough to see that everything works."""
        return cls(2, 200, 400, 2, 100, 40, 5000, 1000, 3.0, (3,), reference=False, is_quick=True)


def measure_everything(plan: Plan, output: Path) -> None:
    """Measure, print the table, and write `benchmark.md` and its figure into a directory."""
    stay_on_one()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cvzmpi-bench-") as directory:
        parts, growths = _measure(plan, Path(directory))
    minutes = (time.monotonic() - begin) / 60
    draw(growths, output / "images" / "benchmark_scaling.png")
    text = _PAGE.read_text(encoding="utf-8").format(
        minutes=minutes,
        repeats=plan.repeats,
        ticket=FLARES_PER_TICKET,
        players=scheduler.N_RANKS - 1,
        **parts,
    )
    (output / "benchmark.md").write_text(re.sub(r"\n{3,}", "\n\n", text), encoding="utf-8")
    print(f"\n{parts['table']}\n")
    _say(f"all of it is in {output.name}/benchmark.md ({minutes:.0f} min)")


def beside_earlier(n_curves: int, n_flares: int) -> str:
    """The lines of the table that set this version beside an earlier one, and no others."""
    stay_on_one()
    with tempfile.TemporaryDirectory(prefix="cvzmpi-bench-") as directory:
        files, curves = light_curve_files(Path(directory), n_curves)
        n_decisions = n_flares * len(files) * InjectConfig().n_repeat
        beside = earlier.measure(files, n_decisions, Path(directory))
    if beside is None:
        return "the history of this repository is not here"
    return f"{len(files)} {curves}, {facts()['processor']}\n\n{table(beside.rows(), 1.0)}"


def _measure(plan: Plan, scratch: Path) -> tuple[dict[str, object], list[growth.Growth]]:
    """The parts of the page by name, and what its figure shows."""
    files, curves = light_curve_files(scratch, plan.n_light_curves)
    peak = SgemmPeak()
    peak.measure()
    ensemble = Ensemble()
    start = _starts(plan, scratch)
    with Reference(scratch) if plan.reference else nullcontext() as reference:
        _say("detection and injections")
        detected = detector.measure(ensemble, reference, plan.repeats, plan.n_flares)
        peak.measure()
        _say("Gaussian process")
        process, likelihoods = gaussian_process.measure(ensemble, files, reference)
        tensorflow = reference.tensorflow if reference is not None else ""
    peak.measure()
    _say(f"whole light curves: {len(files)}")
    whole = WholeTimes(files, scratch, plan.n_inject)
    peak.measure()
    _say("team of two against one, checkpoints, memory")
    team = TeamTimes(files[0], scratch, plan.repeats, plan.n_inject)
    _say("larger teams")
    larger = [
        LargerTeam(size, files[0], scratch, plan.repeats, plan.n_inject)
        for size in plan.larger_teams
    ]
    _say("scheduler")
    scheduled, served = scheduler.measure(
        plan.repeats, plan.n_units, plan.n_teams, plan.longest_unit
    )
    _say("growth with cadences, networks, injections, ranks")
    growths = growth.measure(ensemble, plan.repeats, quick=plan.is_quick)
    growths.append(growth.by_rank(files[0], scratch, plan.n_inject, plan.repeats, team))
    peak.measure()
    _say(f"recovery decisions: {plan.n_decisions:,}")
    by_curve = decisions.measure(files, plan.n_decisions)
    total = sum(by_curve.values(), Counter())
    _say(f"injections beside the version before: {plan.n_earlier:,}")
    beside = earlier.measure(files, plan.n_earlier, scratch)
    machine = facts() | {"sgemm": peak.text()}
    if tensorflow:
        machine["reference"] = f"stella 0.1.0, TensorFlow {tensorflow} with Keras 2"
    rows = [
        *detected.rows,
        process,
        whole.row(detected.flops_per_cadence, detected.flops_per_injection),
        *team.rows(),
        *(one.row() for one in larger),
        *team.memory_rows(detected.reference_bytes, whole.peak_bytes),
        start,
        *scheduled,
        decisions.row(total),
        *([] if beside is None else beside.rows()),
    ]
    return {
        "table": table(rows, peak.flops),
        "peak": peak.flops / 1e9,
        "curves": curves,
        "light_curves": whole.table(by_curve),
        "answers": "\n".join(
            [
                decisions.answer(total),
                *([] if beside is None else [beside.answer()]),
                *detected.answers,
                *likelihoods,
            ]
        ),
        "growth": "\n".join([*growth.exponents(growths), served]),
        "projection": "" if plan.is_quick else _projection(whole, detected.keras),
        "machine": "\n".join(f"- {name}: {fact}" for name, fact in machine.items()),
    }, growths


def _starts(plan: Plan, scratch: Path) -> Row:
    """Fresh processes, ours and the reference in turn; the first of each warms the disk's cache."""
    _say("start of a worker")
    ours, theirs = [], []
    for _ in range(plan.repeats + 1):
        ours.append(worker_start())
        if plan.reference:
            with Reference(scratch) as reference:
                theirs.append(reference.seconds_to_start)
    ready, complete = (Samples.of(column) for column in zip(*ours[1:], strict=True))
    return compared(
        "start of a worker: MPI, imports, models loaded",
        "TensorFlow and ten models",
        Samples.of(theirs[1:]) if theirs else None,
        ready,
        more=f"; with what is imported later {complete.text()}",
        target="<= 1.0 s",
        at_most=1.0,
    )


def _projection(whole: WholeTimes, keras: Samples | None) -> str:
    """The whole campaign, from a real target list and measured seconds only; empty without one."""
    if not _TARGETS.exists():
        return ""
    with _TARGETS.open(newline="") as file:
        sectors = [int(row["Nsector"]) for row in csv.DictReader(file)]
    hours = sum(sectors) * whole.job_seconds / 3600
    text = (
        f"## The whole campaign\n\nThe {len(sectors):,} CVZ stars of the target list have "
        f"{sum(sectors):,} light curves. At the measured {whole.job_seconds:.1f} s each (start, "
        f"reading and all checkpoints included) that is **{number(hours)} core-hours**, or "
        f"{number(hours / 1000)} hours on 1,000 cores."
    )
    if keras is not None:
        hours = sum(sectors) * whole.n_injections * keras.median / 3600
        text += f" The injections alone, with preloaded Keras: {number(hours)} core-hours."
    return text


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)
