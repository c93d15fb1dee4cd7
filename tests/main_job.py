"""The main job on invented stars, and what it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.cvz.sector_file.layout import ANSWERS, LIGHT_CURVE, TABLES
from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.edited_hdf5 import edited

FAST = ("--set", "seed=7", "--set", "inject.n_inject=200", "--set", "inject.n_repeat=3")

N_CADENCES = 3000


def simulate(directory: Path, n_stars: int) -> list[Path]:
    """Short light curves of stars that flare often."""
    return simulate_campaign(directory, n_stars, seed=7, n_cadences=N_CADENCES, active=True)


_BEFORE_WORK = """
import os, signal, time
from {module} import {campaign}
work = {campaign}.work
def other_work(self, unit, team, control):
    if unit.name in {names}:
        {what}
    return work(self, unit, team, control)
{campaign}.work = other_work
from cvzmpi.cli import main
main()
"""
HANG = "time.sleep(1000)"
DIE = "os.kill(os.getpid(), signal.SIGKILL)"


def before_work_on(names: Sequence[str], what: str, campaign: type) -> list[str]:
    """cvzmpi as a `program` that hangs or dies before it works on one of these units."""
    module = campaign.__module__
    code = _BEFORE_WORK.format(
        module=module, campaign=campaign.__name__, names=list(names), what=what
    )
    return ["-c", code]


BESIDE = ("ledger.sqlite*", "outbox", "logs")
"""What lies in an output directory beside the sector files, as patterns of names."""


def result_files(directory: Path) -> list[Path]:
    """Every file below a directory, but for the ledger and what belongs to it."""
    beside = {path for pattern in BESIDE for path in directory.glob(pattern)}
    return sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and beside.isdisjoint({path, *path.parents})
    )


def bytes_of(directory: Path) -> dict[str, bytes]:
    """Every one of the `result_files`, as it is."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in result_files(directory)}


def copy_results(output: Path, copy: Path) -> None:
    """Copy an output directory without its ledger, so that the files in it can be changed.

    The ledger would not know of it. Without one, a job looks into all files.
    """
    shutil.copytree(output, copy, ignore=shutil.ignore_patterns(*BESIDE))


def rewind(path: Path, n_remaining: int | None) -> None:
    """Take a finished sector file back to where `n_remaining` flares were still to be injected.

    None takes it back to checkpoint 1, before the Gaussian process.
    """
    with edited(path) as file:
        if n_remaining is None:
            for group in TABLES.keys() - {"lc"}:
                del file[group]
            for name in TABLES["lc"].keys() - LIGHT_CURVE.keys():
                del file["lc"][name]
            for name in [name for name in file["lc"].attrs if name.startswith("gp_")]:
                del file["lc"].attrs[name]
            file.attrs["checkpoint"] = "detect"
            del file.attrs["seconds_inject"]
            file.attrs[CHECKSUM] = content_checksum(file)
        else:
            for name in ANSWERS:
                answers = file["recoveries"][name]
                answers[len(answers) - n_remaining :] = False
            file["recoveries"].attrs["n_inject_remaining"] = np.int64(n_remaining)
