"""Run the kill sweep and the other faults, and say what was seen."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click

from tools.torture.faults import FAULTS, CannotTryError
from tools.torture.interruptions import Interrupted, interrupt
from tools.torture.kills import MOMENTS, SweepResult, sweep
from tools.torture.main_job import SMALL, TortureCampaign

TEAMS = {"one rank": 1, "a team of two": 3}


@click.command()
@click.option(
    "--kills", type=click.IntRange(0), help="Of all ranks; half of them of a team of two."
)
@click.option("--interval", default=0.5, show_default=True, help="Seconds between checkpoints.")
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
@click.option(
    "--fault",
    "names",
    multiple=True,
    type=click.Choice(list(FAULTS)),
    help="One of the other faults; may come again.",
)
@click.option(
    "--interruptions",
    type=click.IntRange(0),
    help="Signals and exceptions, shared by jobs of 1, 2 and 3 ranks.",
)
def main(
    kills: int | None, interval: float, seed: int, names: tuple[str, ...], interruptions: int | None
) -> None:
    """Torture the main job: exit status 1 if anything is not as promised.

    Without options: 200 kills, 30 interruptions and all other faults.
    """
    begun = time.monotonic()
    if kills is None and interruptions is None and not names:
        kills, interruptions, names = 200, 30, tuple(FAULTS)
    bad = _interrupt(interruptions, interval, seed) if interruptions else 0
    bad += _torture(kills or 0, interval, seed, names) if kills or names else 0
    verdict = "everything is as promised" if not bad else f"NOT AS PROMISED: {bad}"
    click.echo(f"{verdict} ({time.monotonic() - begun:.0f} s)")
    sys.exit(bool(bad))


def _interrupt(n: int, interval: float, seed: int) -> int:
    """The interruptions; how much was wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="cvzmpi-torture-") as directory:
        campaign = TortureCampaign(Path(directory), interval, SMALL)
        try:
            for ranks in (1, 2, 3):
                seen = interrupt(campaign, ranks, n // 3 + (ranks <= n % 3), seed + ranks)
                click.echo(_sum_up(ranks, seen))
                for line in seen.wrong:
                    click.echo(f"NOT AS PROMISED: {line}")
                wrong += seen.wrong
        finally:
            campaign.end_jobs()
    return len(wrong)


def _sum_up(ranks: int, seen: Interrupted) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.kinds.items()))
    statuses = ", ".join(f"{count} x {s}" for s, count in sorted(seen.statuses.items()))
    return (
        f"{ranks} ranks: {seen.kinds.total()} interruptions ({kinds}), exit statuses {statuses}; "
        f"{seen.campaigns} campaigns finished afterwards"
    )


def _torture(kills: int, interval: float, seed: int, names: Iterable[str]) -> int:
    """The kills and the other faults; how much was wrong."""
    with tempfile.TemporaryDirectory(prefix="cvzmpi-torture-") as directory:
        campaign = TortureCampaign(Path(directory), interval)
        try:
            bad = _kill(campaign, kills, seed) if kills else 0
            bad += sum(_try(campaign, name) for name in names)
        finally:
            campaign.end_jobs()
    return bad


def _kill(campaign: TortureCampaign, kills: int, seed: int) -> int:
    """The kill sweeps; how much was wrong."""
    results = []
    for ranks in TEAMS.values():
        results.append(sweep(campaign, ranks, kills // len(TEAMS), seed + ranks))
    click.echo(_table(results, campaign.interval))
    seconds = campaign.stage_seconds()
    click.echo(
        "a kill before the first injection loses its stage: download and detect "
        f"{seconds['download'] + seconds['detect']:.2f} s, model {seconds['model']:.2f} s\n"
    )
    wrong = [f"{what}: {which}" for result in results for what, which in result.wrong]
    for line in wrong:
        click.echo(f"NOT AS PROMISED: {line}")
    return len(wrong) + sum(_too_much(result, campaign.interval) for result in results)


def _too_much(result: SweepResult, interval: float) -> int:
    """Kills that lost more than a checkpoint interval and the ticket that was at work."""
    return sum(r.unsaved > interval + r.longest_ticket for r in result.readings)


def _table(results: list[SweepResult], interval: float) -> str:
    rows: list[tuple[str, list[object]]] = [
        ("SIGKILLs of all ranks", [r.kills.total() for r in results]),
        *((f"  during {moment}", [r.kills[moment] for r in results]) for moment in MOMENTS),
        ("files looked at after them", [r.n_files for r in results]),
        ("  unreadable", [r.count("unreadable") for r in results]),
        ("  inconsistent", [r.count("inconsistent") for r in results]),
        ("  behind an earlier state", [r.count("went back") for r in results]),
        ("campaigns finished", [r.campaigns for r in results]),
        ("  files that differ", [r.count("differing") for r in results]),
        ("other ends of a job", [r.count("other") for r in results]),
        ("injection work lost, s of a rank: median", [_median(r) for r in results]),
        ("  most", [f"{max((x.unsaved for x in r.readings), default=0):.3f}" for r in results]),
        (f"  more than {interval:g} s and a ticket", [_too_much(r, interval) for r in results]),
    ]
    head = f"{'':44}" + "".join(f"{name:>16}" for name in TEAMS)
    return "\n".join([head, *(f"{n:44}" + "".join(f"{v!s:>16}" for v in vs) for n, vs in rows)])


def _median(result: SweepResult) -> str:
    return f"{statistics.median([r.unsaved for r in result.readings] or [0]):.3f}"


def _try(campaign: TortureCampaign, name: str) -> bool:
    """One of the other faults; whether it ended in another way than promised."""
    output = campaign.directory / name
    is_bad = False
    try:
        said = FAULTS[name](campaign, output)
    except CannotTryError as reason:
        said = f"SKIPPED: {reason}"
    except AssertionError as error:
        said, is_bad = f"NOT AS PROMISED: {error}", True
    campaign.end_jobs()
    shutil.rmtree(output, ignore_errors=True)
    click.echo(f"{name.replace('_', ' ')}: {said}")
    return is_bad


if __name__ == "__main__":
    main()
