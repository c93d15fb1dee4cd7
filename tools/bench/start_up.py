"""How long the command line takes until it does something, beside another version of it.

    .venv/bin/python -m tools.bench.start_up --before ../other-checkout

Prints, for each way to start and for both checkouts, the smallest CPU and wall times in ms. The two
take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from cvzmpi.runtime.command_line import HELP_OPTIONS
from tools.bench.measuring.timing import cpu_of_process, timed

HERE = Path(__file__).resolve().parents[2]
WORKER = """
from cvzmpi.mpi.launch import World, pin_to_one_core
pin_to_one_core()
World.start()
"""
BODY = "import cvzmpi.cvz.commands.run"
BODY_BEFORE = """
import cvzmpi.cvz.configuration
from cvzmpi.cvz.campaign import CvzCampaign
from cvzmpi.scheduler import job
from cvzmpi.scheduler.progress import ProgressDisplay
"""
HELP = "import sys; sys.argv[1:] = {}; from cvzmpi.cli import main; main()"


def ways(checkout: Path) -> dict[str, str]:
    """The code of each way to start; a worker is one that could take its first light curve."""
    is_new = (checkout / "cvzmpi" / "cvz" / "commands" / "run.py").exists()
    worker = f"{WORKER}from cvzmpi.cli import main\n{BODY if is_new else BODY_BEFORE}"
    return {
        "import cvzmpi": "import cvzmpi",
        "--help": HELP.format(["--help"]),
        "run --help": HELP.format(["run", "--help"]),
        "level2 --help": HELP.format(["level2", "--help"]),
        "worker": worker,
    }


def measure(code: str, checkout: Path) -> tuple[float, float]:
    """CPU and wall time of a Python that runs `code` with the package of a checkout, in ms."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", code]
    wall, cpu = timed(lambda: cpu_of_process(command, env=environment, cwd=checkout))
    return 1e3 * cpu, 1e3 * wall


@click.command(context_settings=HELP_OPTIONS)
@click.option("--before", type=click.Path(path_type=Path, exists=True), default=HERE)
@click.option("--times", type=click.IntRange(1), default=10, show_default=True)
def main(before: Path, times: int) -> None:
    """Compare the start-up of this checkout with that of another one."""
    before = before.resolve()
    codes = {checkout: ways(checkout) for checkout in (before, HERE)}
    click.echo(f"{'':14}  before: CPU   wall    here: CPU   wall  ms")
    for way in codes[HERE]:
        runs = [[measure(codes[c][way], c) for c in (before, HERE)] for _ in range(times)]
        best = [[min(run[i][j] for run in runs) for j in (0, 1)] for i in (0, 1)]
        (cpu_before, wall_before), (cpu, wall) = best
        click.echo(f"{way:14}  {cpu_before:11.0f}  {wall_before:5.0f}  {cpu:11.0f}  {wall:5.0f}")


if __name__ == "__main__":
    main()
