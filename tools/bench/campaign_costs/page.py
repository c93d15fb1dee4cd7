"""The page docs/benchmark_costs.md: tables of what was measured, and of what follows."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from cvzmpi.cvz.configuration import InjectConfig
from tools.bench.campaign_costs import file_work, ledger_rate, limits
from tools.bench.campaign_costs.file_work import FileWork
from tools.bench.campaign_costs.limits import Costs
from tools.bench.campaign_costs.rank_start import RankStart
from tools.bench.measuring.timing import duration, number
from tools.harness.markdown import markdown_table

_PAGE = Path(__file__).with_name("page.md")
_CORES = (40, 400, 4000)
_RANKS = (40, 400, 1000, 4000)
_LIGHT_CURVES = 200_000
_TARGETS = 293_908
_FILE_BYTES = 2.0e6  # of a light curve in the archive


def text(
    now: Costs,
    half: Costs,
    rank: RankStart,
    files: FileWork,
    rates: Sequence[ledger_rate.Rate],
    *,
    load: float,
    load_end: float,
) -> str:
    """All of the page."""
    calls = rank.calls
    waits = min(rank.slowed), max(rank.slowed)
    slow, fast = rank.slowed[waits[1]], rank.slowed[waits[0]]
    edge, half_edge = (limits.cores_until(costs, "archive") for costs in (now, half))
    hours = 1 / limits.archive_rate(now) / 3600
    there = limits.longest(_with_files(limits.parts(now, _LIGHT_CURVES, _CORES[-1])))
    return _PAGE.read_text(encoding="utf-8").format(
        limits=limits_table(now, _LIGHT_CURVES),
        limits_half=limits_table(half, _LIGHT_CURVES),
        edges=edges_table(now, half),
        edge=edge,
        many_jobs=max(ledger_rate.JOBS),
        half_edge=half_edge,
        starts=starts_table(now, rank),
        ledger=ledger_table(rates),
        light_curves=_LIGHT_CURVES,
        targets=_TARGETS,
        targets_gb=_TARGETS * _FILE_BYTES / 1e9,
        targets_hours=_TARGETS * hours,
        archive_rate=limits.archive_rate(now),
        archive_mbit=limits.archive_rate(now) * _FILE_BYTES * 8 / 1e6,
        archive_hours=_LIGHT_CURVES * hours,
        half_seconds=half.core_seconds,
        there=there,
        there_minutes=60 * there.hours,
        n_packages=rank.n_packages,
        n_calls=calls.n_calls,
        n_paths=len(calls.times),
        n_absent=calls.n_absent,
        n_opened=len(calls.opened),
        n_compiled=calls.compiled(),
        megabytes=calls.megabytes(),
        packages=", ".join(f"{name} {n}" for name, n in calls.by_package().most_common(6)),
        in_campaign=rank.in_campaign,
        in_campaign_safe=rank.in_campaign_safe,
        wait=duration(waits[1] * 1e-6),
        slow=slow,
        fast=fast,
        in_a_row=calls.n_calls * waits[1] * 1e-6,
        files=files,
        file_requests=files.requests,
        file_megabytes=files.n_bytes / 1e6,
        n_injected=file_work.N_INJECTED,
        n_inject=InjectConfig().n_inject,
        left_out_megabytes=file_work.bytes_left_out() / 1e6,
        file_cpu=duration(files.cpu_seconds),
        file_cpu_share=files.cpu_seconds / now.core_seconds,
        needed=now.ranks_per_node / now.core_seconds,
        waiting=now.synchronisations * now.synchronisation_seconds / now.core_seconds,
        half_synchronisations=half.synchronisations,
        lost=1 - limits.working_share(now, 4000),
        c=now,
        cores=os.cpu_count(),
        date=time.strftime("%Y-%m-%d"),
        load=load,
        load_end=load_end,
    )


def limits_table(costs: Costs, n_light_curves: int) -> str:
    """Hours of each part, by the number of cores."""
    found = [limits.parts(costs, n_light_curves, cores) for cores in _CORES]
    rows = [
        (column[0].name, *(_hours(part.hours) for part in column))
        for column in zip(*found, strict=True)
    ]
    there = [_with_files(parts) for parts in found]
    for what, column in (("longest", found), ("longest, with the files there before", there)):
        rows.append((f"**{what}**", *(f"**{limits.longest(parts).name}**" for parts in column)))
    return markdown_table(("hours of", *(f"{cores:,} cores" for cores in _CORES)), rows)


def _with_files(parts: Sequence[limits.Part]) -> list[limits.Part]:
    """Those of a campaign whose files are there before."""
    return [part for part in parts if part.name != "archive"]


def edges_table(now: Costs, half: Costs) -> str:
    """From which number of cores on a part takes longer than the search."""
    names = [part.name for part in limits.parts(now, 1, 1)[1:]]
    rows = [
        (name, *(number(limits.cores_until(costs, name)) for costs in (now, half)))
        for name in names
    ]
    columns = (f"at {costs.core_seconds:.1f} s a light curve" for costs in (now, half))
    return markdown_table(("part", *columns), rows)


def starts_table(costs: Costs, rank: RankStart) -> str:
    """Seconds that the server of names needs for the starts of many ranks: arithmetic."""
    per_second = costs.names_per_second
    rows = []
    for n_ranks in _RANKS:
        nodes = -(-n_ranks // costs.ranks_per_node)
        rows.append(
            (
                f"{n_ranks:,}",
                duration(n_ranks * rank.calls.n_calls / per_second),
                duration(nodes * len(rank.calls.times) / per_second),
                duration(nodes * rank.n_bytes / costs.bytes_per_second),
            )
        )
    columns = ("ranks", "each call goes to the server", "a node asks once for each path")
    return markdown_table(
        (*columns, f"each node reads {rank.n_bytes / 1e6:.0f} MB as one file"), rows
    )


def ledger_table(rates: Sequence[ledger_rate.Rate]) -> str:
    """What was seen of each database."""
    rows = [
        (
            rate.kind,
            str(rate.n_jobs),
            number(rate.per_second),
            "yes" if rate.keeps_up else "**no**",
            duration(rate.round_seconds),
            f"{number(rate.milliseconds)} ms",
            f"{rate.in_server / rate.milliseconds:.0%}",
            str(rate.n_refused),
        )
        for rate in rates
    ]
    wanted = f"of {ledger_rate.WANTED:,.0f} a second"
    columns = ("database", "jobs", wanted, "keeps up", "a round of a job")
    return markdown_table(
        (*columns, "CPU of a light curve", "in the server", "found it locked"), rows
    )


def _hours(value: float) -> str:
    return "never" if value == float("inf") else number(value)
