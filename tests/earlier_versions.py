"""Earlier versions of cvzmpi, run as a user runs them, to make what the current version must read.

The package of an earlier commit comes from the history of this repository. It runs in processes of
its own, with the libraries of this environment. To stop one at an exact place, names of that commit
are used, which do not change any more.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.stella.published_models import packed_file
from tools.harness import job_process
from tools.harness.hdf5_content import bits, contents, values
from tools.harness.tar_archive import extract_all

ROOT = Path(__file__).resolve().parents[1]
VERSION_ATTRIBUTES = frozenset({"@software", "@content_sha256"})
"""What differs in files that versions of different numbers began: the number, and the checksum
over it."""


@dataclass(frozen=True)
class Place:
    """A function of an earlier version: what imports its owner as `owner`, and its name."""

    owner: str
    name: str


# The same in all of the versions below.
CHECKPOINT = Place("from cvzmpi.cvz import sector_file as owner", "write")
ROWS = Place("from cvzmpi.cvz.recovery_writer import RecoveryWriter as owner", "write_rows")
PIXELS = Place("from cvzmpi.level2.inversion_file import InversionWriter as owner", "write")

_STOPPED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
{owner}
original, n_calls = owner.{name}, 0
def counted(*given, **named):
    global n_calls
    result = original(*given, **named)
    n_calls += 1
    if n_calls == {after}:
        os.kill(os.getpid(), signal.{signal})
    return result
owner.{name} = counted
from cvzmpi.cli import main
main()
"""


@dataclass(frozen=True)
class Version:
    """A version of cvzmpi, in a directory that has the package.

    Attributes
    ----------
    root : Path
    added, changed : collection of str
        Attributes of a sector file that only later versions write, and those that they write
        otherwise.
    strands_at_ctrl_c : bool
        Whether the ledger says of a light curve that Ctrl-C stopped that a job is at it still.
    """

    root: Path
    added: Collection[str] = ()
    changed: Collection[str] = ()
    strands_at_ctrl_c: bool = False

    def run(self, *arguments: str | Path, cwd: Path | None = None, **how: Any) -> job_process.Ended:
        """Run `python -m cvzmpi ...` of this version; see `job_process.run`."""
        # Python looks for modules in the working directory first: that must not be the repository.
        # Earlier versions fetched the models where this directory does not have them.
        where = {"PYTHONPATH": str(self.root), "CVZMPI_CACHE": str(packed_file().parent)}
        return job_process.run(arguments, cwd=cwd or self.root, **how, **where)

    def succeeds(self, *arguments: str | Path, **how: Any) -> job_process.Ended:
        """The same, where an exit status other than 0 is an error."""
        ended = self.run(*arguments, **how)
        assert ended.status == 0, ended.stderr
        return ended

    def stopped(
        self, place: Place, after: int, signal: str, *arguments: str | Path, **how: Any
    ) -> job_process.Ended:
        """Run it until each process that called a function so many times sends itself a signal."""
        program = _STOPPED.format(owner=place.owner, name=place.name, after=after, signal=signal)
        ended = self.run(*arguments, program=["-c", program], **how)
        assert ended.status != 0, f"it came to its end, and not to call {after} of {place.name}"
        return ended

    def package(self) -> Path:
        """The directory of the package that a process of this version imports."""
        program = ["-c", "import cvzmpi; print(cvzmpi.__file__)"]
        return Path(self.succeeds(program=program).stdout.strip()).parent


CURRENT = Version(ROOT)

COMMITS: Mapping[str, Mapping[str, Any]] = {
    # HDF5 files without a checksum over their structure; a ledger without triggers that check rows.
    "8e760437183530a7f0dfeeb19a9dcebb979714ce": {
        "added": {"@quality_marks", "@CROWDSAP", "@FLFRCSAP"},
        "changed": {"@header", "@content_sha256"},
        "strands_at_ctrl_c": True,
    },
    # Before the modules were regrouped.
    "3c8a40f68bfd6a0c8a29567f17342a803f104742": {},
}


class NotInHistoryError(Exception):
    """The repository at hand does not have a commit: a shallow clone, or no repository."""


def extract(commit: str, directory: Path) -> Version:
    """Take the package of a commit, and the maker of Level 2 campaigns, out of the history.

    Raises
    ------
    NotInHistoryError
    """
    git = shutil.which("git")
    if git is None:
        raise NotInHistoryError("git is not installed")
    tree = [git, "-C", str(ROOT), "archive", commit, "cvzmpi", "tools/inversion"]
    archive = directory.with_suffix(".tar")
    with archive.open("wb") as file:
        ended = subprocess.run(tree, stdout=file, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode != 0:
        raise NotInHistoryError(f"commit {commit[:7]} is not here: {ended.stderr.strip()}")
    with tarfile.open(archive) as tar:
        extract_all(tar, directory)
    archive.unlink()
    version = Version(directory, **COMMITS[commit])
    assert version.package() == directory / "cvzmpi", f"{sys.executable} imports another cvzmpi"
    return version


def ledger_rows(directory: Path, query: str) -> list[tuple[Any, ...]]:
    """What a query finds in the SQLite ledger of a directory.

    A copy is read: SQLite rolls back what a killed job left half-written, and here that is for the
    next job to do.
    """
    with tempfile.TemporaryDirectory() as aside:
        for file in directory.glob("ledger.sqlite*"):
            shutil.copy(file, aside)
        with closing(sqlite3.connect(Path(aside) / "ledger.sqlite")) as connection:
            return connection.execute(query).fetchall()


def assert_same_files(earlier: Version, made: Path, expected: Path) -> None:
    """All datasets and attributes are those that the earlier version made by itself.

    Later versions may add attributes to a sector file, and change some, as `Version` tells. In a
    file of a later format, all is the same that follows from the search by stella alone.
    """
    now, before = contents(made), contents(expected)
    assert now.keys() == before.keys()
    for name, content in before.items():
        if now[name]["@format_version"] != content["@format_version"]:
            (path,), (of_earlier,) = made.rglob(name), expected.rglob(name)
            assert_same_by_stella(values(path), values(of_earlier))
            continue
        may_change = set(earlier.changed)
        if now[name].get("@software") != content.get("@software"):
            may_change |= VERSION_ATTRIBUTES
        assert now[name].keys() - content.keys() <= set(earlier.added), name
        differing = {key for key, value in content.items() if now[name].get(key) != value}
        assert differing <= may_change, f"{name}: {sorted(differing)}"


OF_STELLA = (
    *(f"lc/{n}" for n in ("time", "flux", "flux_err", "quality")),
    *("lc/flare_probability", "lc/flare_mask", "recoveries/recovered"),
    *(f"injections/{n}" for n in ("amplitude", "fwhm", "equivalent_duration", "cadence", "time")),
)
"""Datasets that the search by significance has no part in."""


def assert_same_by_stella(now: dict[str, np.ndarray], before: dict[str, np.ndarray]) -> None:
    """The values of a file of format version 2 that one of version 1 has as well are the same."""
    for name in (*OF_STELLA, "recoveries@n_inject_remaining", "@seed", "@models_sha256"):
        assert bits(now[name]) == bits(before[name]), name
    found = (now["flares/found_by"] & 1) != 0
    for name in ("start", "stop", "start_time", "stop_time", "max_probability"):
        assert bits(now[f"flares/{name}"][found]) == bits(before[f"flares/{name}"]), name
