"""Run the kill sweep and the other faults, and say what was seen."""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.torture.disturbance import Seen, disturb_campaigns
from tools.torture.faults import FAULTS, CannotTryError
from tools.torture.interruptions import InterruptedMainJob
from tools.torture.kills import MOMENTS, KilledMainJob
from tools.torture.main_job import SMALL, USUAL, Size, TortureCampaign

TEAMS = {"one rank": 1, "a team of two": 3}


@click.command(context_settings=HELP_OPTIONS)
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
    bad = 0
    if interruptions:
        with _campaign(interval, SMALL) as campaign:
            bad += _interrupt(campaign, interruptions, seed)
    if kills or names:
        with _campaign(interval, USUAL) as campaign:
            bad += _kill(campaign, kills, seed) if kills else 0
            bad += sum(_try(campaign, name) for name in names)
    verdict = "everything is as promised" if not bad else f"NOT AS PROMISED: {bad}"
    click.echo(f"{verdict} ({time.monotonic() - begun:.0f} s)")
    sys.exit(bool(bad))


@contextmanager
def _campaign(interval: float, size: Size) -> Iterator[TortureCampaign]:
    with tempfile.TemporaryDirectory(prefix="cvzmpi-torture-") as directory:
        campaign = TortureCampaign(Path(directory), interval, size)
        try:
            yield campaign
        finally:
            campaign.end_jobs()


def _interrupt(campaign: TortureCampaign, n: int, seed: int) -> int:
    """The interruptions; how much was wrong."""
    n_wrong = 0
    for ranks in (1, 2, 3):
        target = InterruptedMainJob(campaign, ranks)
        share = n // 3 + (ranks <= n % 3)
        if share == 0:
            continue
        seen = disturb_campaigns(target, share, random.Random(seed + ranks))
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(seen.kinds.items()))
        statuses = ", ".join(f"{count} x {s}" for s, count in sorted(target.statuses.items()))
        click.echo(
            f"{ranks} ranks: {seen.kinds.total()} interruptions ({kinds}), exit statuses "
            f"{statuses}; {seen.campaigns} campaigns finished afterwards"
        )
        n_wrong += seen.say_what_is_wrong()
    return n_wrong


def _kill(campaign: TortureCampaign, kills: int, seed: int) -> int:
    """The kills; how much was wrong."""
    targets = [KilledMainJob(campaign, ranks) for ranks in TEAMS.values()]
    seen = [
        disturb_campaigns(target, kills // len(TEAMS), random.Random(seed + ranks))
        for target, ranks in zip(targets, TEAMS.values(), strict=True)
    ]
    # Kills that lost more than a checkpoint interval and the ticket that was at work.
    too_much = [
        sum(r.unsaved > campaign.interval + r.longest_ticket for r in target.readings)
        for target in targets
    ]
    click.echo(_table(seen, targets, too_much, campaign.interval))
    seconds = campaign.stage_seconds()
    click.echo(
        "a kill before the first injection loses its stage: download and detect "
        f"{seconds['download'] + seconds['detect']:.2f} s, model {seconds['model']:.2f} s\n"
    )
    return sum(one.say_what_is_wrong() for one in seen) + sum(too_much)


def _table(
    both: list[Seen], targets: list[KilledMainJob], too_much: list[int], interval: float
) -> str:
    lost = [[r.unsaved for r in target.readings] or [0.0] for target in targets]
    differing = ("differing", "too much", "missing")
    rows: list[tuple[str, Sequence[object]]] = [
        ("SIGKILLs of all ranks", [seen.kinds.total() for seen in both]),
        *((f"  during {moment}", [seen.kinds[moment] for seen in both]) for moment in MOMENTS),
        ("files looked at after them", [target.n_files for target in targets]),
        ("  unreadable", [seen.count("unreadable") for seen in both]),
        ("  inconsistent", [seen.count("inconsistent") for seen in both]),
        ("  behind an earlier state", [seen.count("went back") for seen in both]),
        ("campaigns finished", [seen.campaigns for seen in both]),
        ("  files that differ", [sum(map(seen.count, differing)) for seen in both]),
        ("other ends of a job", [seen.count("other") for seen in both]),
        (
            "injection work lost, s of a rank: median",
            [f"{statistics.median(seconds):.3f}" for seconds in lost],
        ),
        ("  most", [f"{max(seconds):.3f}" for seconds in lost]),
        (f"  more than {interval:g} s and a ticket", too_much),
    ]
    head = f"{'':44}" + "".join(f"{name:>16}" for name in TEAMS)
    return "\n".join([head, *(f"{n:44}" + "".join(f"{v!s:>16}" for v in vs) for n, vs in rows)])


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
