"""The rows of the table about teams, ranks and the scheduler, each with its target."""

from __future__ import annotations

from tools.bench.measuring.timing import Samples, duration, number
from tools.bench.report.row import Row, ratio_of
from tools.bench.report.row import times as as_times
from tools.bench.results import Results

_MB = 1e6


def parallel_rows(results: Results) -> list[Row]:
    """In the order of the targets."""
    return [*_team(results), *_memory(results), _start(results), *_scheduler(results)]


def _team(results: Results) -> list[Row]:
    team = results.team
    writing, waiting = (
        Samples.of(100 * value for value in share.values)
        for share in (team.checkpoint_share, team.wait_share)
    )
    cost = writing.median + waiting.median
    return [
        Row(
            "checkpoint cost, one file in a team of two",
            "",
            f"{number(cost)} % (file {writing.text('%')}, waiting for each other "
            f"{waiting.text('%')})",
            target="<= 2 % of the run time",
            met=cost <= 2,
        ),
        Row(
            "team of two against one, injections",
            f"{team.alone.text()} alone",
            f"{team.together.text()} together",
            f"{team.speedup.text('x')}",
            limit=f"{team.most.text('x')}, two jobs at once",
            share=f"{team.speedup.median / team.most.median:.0%}",
            target=">= 1.85 x",
            met=team.speedup.median >= 1.85,
        ),
    ]


def _memory(results: Results) -> list[Row]:
    worker = max(results.team.worker_bytes.values) / _MB
    scheduler = max(results.team.scheduler_bytes.values) / _MB
    theirs = results.detector.reference_bytes / _MB
    known = theirs == theirs
    return [
        Row(
            "peak memory of a worker rank",
            f"stella {theirs:.0f} MB" if known else "",
            f"{worker:.0f} MB; alone, one light curve after the other, "
            f"{results.whole.peak_bytes / _MB:.0f} MB",
            as_times(theirs / worker) if known else "",
            target="<= 350 MB",
            met=max(worker, results.whole.peak_bytes / _MB) <= 350,
        ),
        Row("- of rank 0", "", f"{scheduler:.0f} MB", target="<= 350 MB", met=scheduler <= 350),
    ]


def _start(results: Results) -> Row:
    theirs = results.reference_start
    return Row(
        "start of a worker: MPI, imports, models loaded",
        f"TensorFlow and ten models {theirs.text()}" if theirs else "",
        f"{results.start.text()}; with what is imported later {results.start_complete.text()}",
        as_times(ratio_of(theirs, results.start)),
        target="<= 1.0 s",
        met=results.start.median <= 1.0,
    )


def _scheduler(results: Results) -> list[Row]:
    times = results.scheduler
    service = times.service
    return [
        Row(
            "rank 0: assignments a second, empty work",
            f"`mpi4py.futures` {times.futures.text('/s')}",
            f"{times.capacity.text('/s')} with 100 leaders asking; with as many as `futures` has "
            f"workers {times.ours.text('/s')}",
            as_times(times.ours.median / times.futures.median),
            target=">= 10,000/s",
            met=times.capacity.median >= 10_000,
        ),
        Row(
            f"{service.n_teams:,} imitated teams, units of {service.unit_seconds:.0f} s",
            "",
            f"{number(service.assignments_per_second)} assignments and "
            f"{number(service.messages_per_second)} messages a second, each team waits "
            f"{duration(service.wait_median)} (99 %: {duration(service.wait_99)}), "
            f"{service.idle_share:.2%} of its time",
            target="rank 0 not the limit: waits <= 0.1 %",
            met=service.idle_share <= 1e-3,
        ),
    ]
