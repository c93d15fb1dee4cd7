"""What the files of light curves cost: 40 imitated ranks of a node read and write them at once.

Each does with files what a rank does, and nothing between: it reads a FITS file, writes the sector
file twice, and writes recoveries into it, with the waits for the disk.
"""

from __future__ import annotations

import math
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.configuration import InjectConfig
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.sector_file.layout import ANSWERS, TABLES
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from cvzmpi.runtime.job_config import CheckpointConfig
from tools.bench.campaign_costs.file_calls import trace
from tools.harness.job_process import ROOT

N_RANKS = 40
_N_EACH = 2
_OF_THE_JOB = re.compile(r"/(ledger\.sqlite.*|logs|outbox)$")
N_INJECTED, _DEFAULT = 40, InjectConfig()
"""Flares that are injected here: the searches for them, which are not measured, take long."""
_SEARCHED = ["--set", f"inject.n_inject={N_INJECTED}"]


@dataclass(frozen=True)
class FileWork:
    """Of one light curve."""

    requests: float
    """Calls that name its FITS file, its sector file or what is beside it, or their directories."""
    synchronisations: int
    """Waits for the disk."""
    n_bytes: int
    """Read from the FITS file, and written into sector files with all injections."""
    cpu_seconds: float
    cpu_seconds_of_synchronising: float
    """The part of it that is not there without waits for the disk; of the system, mostly."""
    per_second: float
    """Light curves of which the disk here takes the files, from all ranks of a node together."""
    per_second_without: float
    """The same without waits for the disk."""


def commits(core_seconds: float) -> int:
    """Checkpoints within the injections of one light curve, the last one with them."""
    return max(1, math.ceil(core_seconds / CheckpointConfig().interval))


def synchronisations(core_seconds: float) -> int:
    """Waits for the disk: file and directory of two whole files, rows and count of each commit."""
    return 2 * 2 + 2 * commits(core_seconds)


def bytes_left_out() -> int:
    """By how much a sector file with the default number of injected flares is larger."""
    return bytes_of_injections(_DEFAULT.n_inject - N_INJECTED, _DEFAULT.n_repeat)


def bytes_of_injections(n_inject: int, n_repeat: int) -> int:
    """What so many injected flares take in a sector file, with the answers to them."""
    lengths = {"injected": n_inject, "repeat": n_repeat}
    columns = [*TABLES["injections"].values(), *TABLES["recoveries"].values()]
    return sum(
        np.dtype(column.dtype).itemsize * math.prod(lengths[axis] for axis in column.axes)
        for column in columns
    )


def measure(fits: Sequence[Path], scratch: Path, core_seconds: float) -> FileWork:
    """Work on light curves once, for their content; then imitate the ranks of a node."""
    one = _calls(fits[:1], scratch / "one")
    three = _calls(fits[:3], scratch / "three")
    content = SectorContent.read(next(iter(sector_files(scratch / "one" / "output").values())))
    n_commits = commits(core_seconds)
    here = scratch / "imitated"
    here.mkdir()
    do_files(fits[0], content, here / "0" / "0_1.h5", 1)  # imports, once for all
    slow, fast = (
        _imitated(fits[0], content, here / str(fsync), n_commits, fsync) for fsync in (True, False)
    )
    written = next((here / "True").glob("*/*.h5")).stat().st_size
    return FileWork(
        # each commit after the first opens the file by its name, to wait for it, twice
        (three - one) / 2 + 2 * (n_commits - 1),
        synchronisations(core_seconds),
        fits[0].stat().st_size + 2 * (written + bytes_left_out()),
        slow[0],
        slow[0] - fast[0],
        slow[1],
        fast[1],
    )


def _calls(fits: Sequence[Path], directory: Path) -> int:
    """Work on light curves with few injections: how often files of the campaign are named."""
    inputs, output = directory / "input", directory / "output"
    inputs.mkdir(parents=True)
    for path in fits:
        (inputs / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "cvzmpi", "run", "--input", str(inputs), "--output"]
    calls = trace([*command, str(output), *_SEARCHED], ROOT, directory)
    # what the ledger and the log ask for depends on the time, and is of the whole job
    of_light_curves = re.compile(rf"{re.escape(str(directory))}/(input|output(/\d+)?)(/[^/]+)?$")
    return sum(
        n
        for path, n in calls.times.items()
        if of_light_curves.match(path) and not _OF_THE_JOB.search(path)
    )


def _imitated(
    fits: Path, content: SectorContent, output: Path, n_commits: int, fsync: bool
) -> tuple[float, float]:
    """Processor seconds of one light curve's files, and light curves a second of all ranks."""
    output.mkdir(parents=True)
    processes = multiprocessing.get_context("fork")  # HDF5 is loaded once, for all of them
    begin, answers = processes.Barrier(N_RANKS + 1), processes.SimpleQueue()
    arguments = (fits, content, output, n_commits, fsync, begin, answers)
    ranks = [processes.Process(target=_rank, args=(n, *arguments)) for n in range(N_RANKS)]
    for rank in ranks:
        rank.start()
    begin.wait()
    start = time.perf_counter()
    cpu = sum(answers.get() for _ in ranks)
    seconds = time.perf_counter() - start
    for rank in ranks:
        rank.join()
    n = N_RANKS * _N_EACH
    return cpu / n, n / seconds


def _rank(
    number: int,
    fits: Path,
    content: SectorContent,
    output: Path,
    n_commits: int,
    fsync: bool,
    begin: Any,
    answers: Any,
) -> None:
    cpu = float("nan")
    begin.wait()
    try:
        before = _cpu()
        for n in range(_N_EACH):
            do_files(fits, content, output / f"{number:03d}" / f"{n}_1.h5", n_commits, fsync)
        cpu = _cpu() - before
    finally:
        answers.put(cpu)


def do_files(
    fits: Path, content: SectorContent, path: Path, n_commits: int, fsync: bool = True
) -> None:
    """Do with files what a rank does for one light curve; its content is there already."""
    read_light_curve(fits)
    data = content.data
    assert data.injections is not None
    for _checkpoint in ("detect", "model"):  # the first is smaller, in truth
        write_sector_file(path, data, content.provenance, fsync)
    n_inject, n_repeat = data.injections.cadence.shape
    with RecoveryWriter(path, fsync=fsync) as writer:
        n_searches = sum(name in writer.file["recoveries"] for name in ANSWERS)
        for rows in np.array_split(np.arange(n_inject), n_commits):
            answers = [np.ones((len(rows), n_repeat), bool)] * n_searches
            writer.write_rows(slice(rows[0], rows[-1] + 1), *answers)
            writer.count_down(n_inject - 1 - int(rows[-1]), 1.0)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
