#!/usr/bin/env python
"""Submit a campaign to Slurm: batches of light curves, one job each.

    .venv/bin/python jobs/submit.py /path/to/campaign --partition ckpt --account astro --dry-run

The jobs run with the Python that submits them, unless their script names another.

The batches are lists in the campaign's directory, `batches/batch_001.csv` and so on. Once written
they stay as they are; light curves that are new in the campaign go into new ones. A batch is
submitted unless all of it is done or its job is still in the queue, so this can be run at any time.
Which job had which batch is in `batches/jobs.csv`.
"""

from __future__ import annotations

import csv
import getpass
import math
import os
import shlex
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from cvzmpi.config import DEFAULT_FILE
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import read_progress
from cvzmpi.cvz.work.batch_list import read_batch
from cvzmpi.cvz.work.one_product import with_begun
from cvzmpi.errors import CvzmpiError
from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.messages.wording import counted
from cvzmpi.runtime.command_line import HELP_OPTIONS
from cvzmpi.storage.whole_file import write_whole

JOBS = Path(__file__).resolve().parent
SCRIPTS = {"ckpt": "cvz_ckpt.slurm", "node": "cvz_node.slurm"}
USAGE = 2


class SubmitError(CvzmpiError):
    """Something that the user can put right."""


@dataclass(frozen=True)
class LightCurves:
    """The light curves of a campaign, by target and sector, and their sector files."""

    pairs: list[tuple[int, int]]
    of_pair: dict[tuple[int, int], list[LightCurveId]]  # as far as the files tell
    files: dict[LightCurveId, Path]

    @classmethod
    def of(cls, config: Config) -> LightCurves:
        """Those of the target list, else those in the input directory, in the product chosen.

        Also those of a list are looked for there: a better product may have come.
        """
        files = sector_files(config.output.directory)
        products = ChosenProducts.of(config)
        targets, directory = config.input.targets, config.input.directory
        sources: list[LightCurveSource] = []
        if targets is None or (config.archive.targets is None and directory.is_dir()):
            sources, _ = scan_directory(directory, products=products)
        if targets is not None:
            pairs = _pairs_of(targets, products)
        else:
            pairs = list(dict.fromkeys((source.id.tic, source.id.sector) for source in sources))
        known = [source.id for source in with_begun(sources, files, products)]
        of_pair = defaultdict(list)
        for light_curve in known:
            of_pair[light_curve.tic, light_curve.sector].append(light_curve)
        return cls(pairs, of_pair, files)

    def is_done(self, pair: tuple[int, int]) -> bool:
        """True if all light curves of a target and sector that are to be searched are done."""
        known = self.of_pair.get(pair, [])
        return bool(known) and all(one in self.files and _is_done(self.files[one]) for one in known)


@dataclass(frozen=True)
class Batch:
    """The light curves of one job, and the file that lists them."""

    path: Path
    pairs: list[tuple[int, int]]  # target and sector; the campaign chooses the product

    @property
    def name(self) -> str:
        """Name of the batch, and so of its job and log: `batch_001`."""
        return self.path.stem


@dataclass(frozen=True)
class Queue:
    """Our jobs that wait or run."""

    ids: frozenset[str]
    names: frozenset[tuple[str, str]]
    """Job name and working directory, which find a job whose id was not written down any more."""

    @classmethod
    def ask(cls) -> Queue:
        """The jobs in the queue, as squeue says."""
        answer = _slurm(["squeue", "--noheader", "-u", getpass.getuser(), "-o", "%A|%j|%Z"])
        jobs = [line.split("|", 2) for line in answer.splitlines()]
        return cls(frozenset(id for id, *_ in jobs), frozenset((n, d) for _, n, d in jobs))


@click.command(context_settings={"max_content_width": 100, **HELP_OPTIONS})
@click.argument("campaign", type=GIVEN_PATH, default=".")
@click.argument("more", metavar="[-- SBATCH OPTIONS]", nargs=-1)
@click.option(
    "--script",
    default="ckpt",
    show_default=True,
    help="ckpt (checkpoint queue), node (normal queue), each as the campaign has it if it does; or "
    "a script of your own.",
)
@click.option(
    "--size", type=click.IntRange(1), default=200, show_default=True, help="Light curves a batch."
)
@click.option("--partition", help="Of the queue; see `sinfo`.")
@click.option("--account", help="Who pays.")
@click.option("--nodes", type=click.IntRange(1), help="Nodes of each job.")
@click.option("--ntasks-per-node", type=click.IntRange(1), help="Ranks on each node.")
@click.option("--time", "time_limit", help="Time at a stretch, as 8:00:00.")
@click.option("--max-jobs", type=click.IntRange(1), help="At most so many of them in the queue.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def submit(
    campaign: Path,
    more: tuple[str, ...],
    script: str,
    size: int,
    max_jobs: int | None,
    dry_run: bool,
    **options: str | int | None,
) -> None:
    """Submit the CAMPAIGN (a directory with cvzmpi.toml) in batches, one job each.

    Run it again at any time: batches that are done, or whose job is still in the queue, are left
    alone. What is not given here is as the script says.
    """
    campaign = campaign.resolve()
    job_script = _script(script, campaign)
    config = _configuration(campaign)
    light_curves = LightCurves.of(config)
    products = ChosenProducts.of(config)
    batches = _batches(campaign, light_curves.pairs, size, products)
    log = JobLog(campaign / "batches" / "jobs.csv")
    queue = Queue.ask()
    options["time"] = options.pop("time_limit")
    sbatch_options = [
        f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value
    ]

    queued = {batch.name for batch in batches if _is_queued(campaign, batch, log, queue)}
    others = [batch for batch in batches if batch.name not in queued]
    to_submit = [batch for batch in others if not all(map(light_curves.is_done, batch.pairs))]
    click.echo(
        f"{counted(sum(len(batch.pairs) for batch in batches), 'light curve')} in "
        f"{counted(len(batches), 'batch', 'batches')}: "
        f"{len(others) - len(to_submit)} done, {len(queued)} in the queue, "
        f"{len(to_submit)} to submit"
    )
    if max_jobs is not None and len(to_submit) > max_jobs - len(queued):
        to_submit = to_submit[: max(max_jobs - len(queued), 0)]
        click.echo(f"submitting {len(to_submit)} now, for at most {max_jobs} in the queue")
    if not dry_run:
        for batch in batches:
            _write(batch)
        (campaign / "logs").mkdir(exist_ok=True)
    for batch in to_submit:
        command = _sbatch(campaign, batch, job_script, [*sbatch_options, *more])
        if dry_run:
            click.echo(shlex.join(command))
            continue
        job = _slurm(command).strip().split(";")[0]  # ID;CLUSTER
        log.add(batch, job)
        click.echo(f"{batch.name}: job {job}, {counted(len(batch.pairs), 'light curve')}")
    if dry_run:
        click.echo("dry run: nothing was written or submitted")


class JobLog:
    """The record of submitted jobs, by batch; only ever added to."""

    COLUMNS = ("batch", "job_id", "submitted", "light_curves")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: dict[str, str] = {}
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    if not row.get("batch") or not row.get("job_id"):
                        raise SubmitError(f"{path}: expected the columns {', '.join(self.COLUMNS)}")
                    self._jobs[row["batch"]] = row["job_id"]

    def job_of(self, batch: Batch) -> str | None:
        """The newest job of a batch."""
        return self._jobs.get(batch.name)

    def add(self, batch: Batch, job: str) -> None:
        """Take down a job."""
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(self.COLUMNS)
            now = time.strftime("%Y-%m-%dT%H:%M:%S")
            writer.writerow([batch.name, job, now, len(batch.pairs)])
        self._jobs[batch.name] = job


def _script(name: str, campaign: Path) -> Path:
    script = Path(name).resolve()
    if name in SCRIPTS:
        own = campaign / SCRIPTS[name]
        script = own if own.is_file() else JOBS / SCRIPTS[name]
    if not script.is_file():
        raise SubmitError(f"--script {name}: expected ckpt, node, or the path of a script")
    return script


def _configuration(campaign: Path) -> Config:
    file = campaign / DEFAULT_FILE
    if not file.is_file():
        raise SubmitError(f"{campaign}: no {DEFAULT_FILE} in here, expected a campaign's directory")
    return load(file)


def _batches(
    campaign: Path, all_pairs: list[tuple[int, int]], size: int, products: ChosenProducts
) -> list[Batch]:
    """The batches that are there, and new ones for the light curves that are in none of them."""
    directory = campaign / "batches"
    paths = sorted(directory.glob("batch_*.csv"), key=_number)
    batches = [Batch(path, _pairs_of(path, products)) for path in paths]
    assigned = {pair for batch in batches for pair in batch.pairs}
    pairs = [pair for pair in all_pairs if pair not in assigned]
    if not pairs and not batches:
        raise SubmitError(f"{campaign}: no light curves in this campaign")
    first = max((_number(batch.path) for batch in batches), default=0) + 1
    for i in range(math.ceil(len(pairs) / size)):
        path = directory / f"batch_{first + i:03d}.csv"
        batches.append(Batch(path, pairs[i * size : (i + 1) * size]))
    return batches


def _pairs_of(path: Path, products: ChosenProducts) -> list[tuple[int, int]]:
    batch = read_batch(path, products=products)
    return list(dict.fromkeys((named.tic, named.sector) for named in batch))


def _number(path: Path) -> int:
    number = path.stem.removeprefix("batch_")
    if not number.isdecimal():
        raise SubmitError(f"{path}: expected a name like batch_001.csv")
    return int(number)


def _write(batch: Batch) -> None:
    """Write the list of a new batch; whole or not at all."""
    if batch.path.exists():
        return
    lines = ["tic,sector", *(f"{tic},{sector}" for tic, sector in batch.pairs), ""]
    write_whole(batch.path, "\n".join(lines).encode())


def _is_done(path: Path) -> bool:
    """False for a damaged file, too: its job sets it aside and begins anew."""
    try:
        progress = read_progress(path)
    except CvzmpiError:
        return False
    return progress is not None and progress.done


def _is_queued(campaign: Path, batch: Batch, log: JobLog, queue: Queue) -> bool:
    """True if its job waits or runs."""
    named = (_job_name(campaign, batch), str(campaign))
    return log.job_of(batch) in queue.ids or named in queue.names


def _job_name(campaign: Path, batch: Batch) -> str:
    return f"{campaign.name}-{batch.name}"


def _sbatch(campaign: Path, batch: Batch, script: Path, options: Sequence[str]) -> list[str]:
    return [
        "sbatch",
        "--parsable",
        f"--job-name={_job_name(campaign, batch)}",
        f"--chdir={campaign}",
        f"--output=logs/{batch.name}_%j.log",
        *options,
        str(script),
        ".",
        "--set",
        f"input.targets=batches/{batch.path.name}",
    ]


def _slurm(command: list[str]) -> str:
    """Run a command of Slurm; what it printed."""
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHON": sys.executable, **os.environ},
        )
    except FileNotFoundError:
        raise SubmitError(f"no {command[0]} on PATH: this is for a Slurm cluster") from None
    if ended.returncode != 0:
        lines = ended.stderr.strip().splitlines() or [f"exit status {ended.returncode}"]
        raise SubmitError(f"{command[0]}: {lines[-1].removeprefix(f'{command[0]}: error: ')}")
    return ended.stdout


def main() -> None:
    """Run the command line; an error for the user is one line and the exit status 2."""
    try:
        submit.main(standalone_mode=False)
    except click.ClickException as error:
        message = error.format_message()
    except CvzmpiError as error:
        message = str(error)
    except click.Abort:
        sys.exit(130)
    else:
        return
    for line in message.splitlines():
        click.echo(f"submit: {line}", err=True)
    sys.exit(USAGE)


if __name__ == "__main__":
    main()
