"""Run the kill sweep and the other faults, and say what was seen."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import click

from tools.torture.campaign import TortureCampaign
from tools.torture.faults import FAULTS
from tools.torture.kills import SweepResult, sweep


@click.command()
@click.option("--kills", default=200, show_default=True, help="In all, half of them a team of 2.")
@click.option("--interval", default=0.5, show_default=True, help="Seconds between checkpoints.")
@click.option("--seed", default=1, show_default=True, help="Of the instants.")
@click.option("--fault", "names", multiple=True, help="Only these faults, and no kill sweep.")
def main(kills: int, interval: float, seed: int, names: tuple[str, ...]) -> None:
    """Torture the main job."""
    failed = False
    with tempfile.TemporaryDirectory(prefix="cvzmpi-torture-") as directory:
        campaign = TortureCampaign(Path(directory), interval)
        if not names:
            for ranks, team in ((1, "one rank"), (3, "a team of two")):
                begun = time.monotonic()
                result = sweep(campaign, ranks, kills // 2, seed + ranks)
                click.echo(_report(team, result, interval, time.monotonic() - begun))
                failed |= bool(result.wrong)
        for fault in FAULTS:
            if names and fault.__name__ not in names:
                continue
            output = campaign.directory / fault.__name__
            try:
                click.echo(f"{fault.__name__.replace('_', ' ')}: {fault(campaign, output)}")
            except AssertionError as error:
                click.echo(f"{fault.__name__.replace('_', ' ')}: NOT AS PROMISED: {error}")
                failed = True
            shutil.rmtree(output, ignore_errors=True)
    sys.exit(failed)


def _report(team: str, result: SweepResult, interval: float, seconds: float) -> str:
    lost = sorted(result.lost)
    lines = [
        f"{team}: {result.kills} kills, {result.campaigns} campaigns finished in {seconds:.0f} s, "
        f"{len(result.wrong)} files wrong",
        "  files after the kills, by stage: "
        + ", ".join(f"{stage} {n}" for stage, n in sorted(result.stages.items())),
        f"  work lost at a kill: median {statistics.median(lost):.2f} s, "
        f"95 % {lost[int(0.95 * (len(lost) - 1))]:.2f} s, most {lost[-1]:.2f} s "
        f"(checkpoint interval {interval:g} s)",
    ]
    return "\n".join(lines + [f"  {wrong}" for wrong in result.wrong])


if __name__ == "__main__":
    main()
