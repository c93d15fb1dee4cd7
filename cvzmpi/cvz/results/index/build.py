"""Bring the index of a campaign up to date, on one rank or many.

Every rank updates the parts of its shards; rank 0 estimates how reliable all flares together are,
and merges the parts. Killed at any instant, it goes on
from the parts that are complete.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.columns import INDEX_VERSION
from cvzmpi.cvz.results.index.merge import (
    digest_of_master,
    digest_of_tables,
    merged_tables,
    write_master,
)
from cvzmpi.cvz.results.index.part import Part, read_part
from cvzmpi.cvz.results.index.place import DIRECTORY, table_path
from cvzmpi.cvz.results.index.pooled_reliability import Pool
from cvzmpi.cvz.results.index.read_table import read_table
from cvzmpi.cvz.results.index.shard import Counts, ShardReport, update_shard
from cvzmpi.errors import ConfigError, SectorFileError
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.messages.wording import counted
from cvzmpi.mpi.launch import World
from cvzmpi.storage.file_lock import FileLock

MASTER = "campaign.h5"
_PARTS = "parts"

_SHOWN = 20
"""Problems that `describe` names; the table has them all."""

_SETTLING_NS = 5_000_000_000
"""A change within this time after another one may leave size and time as they are: file systems
keep times to 2 s at worst."""


@dataclass(frozen=True)
class IndexReport(Counts):
    """An update of the index, the same on all ranks: where it is, and if its tables are new."""

    directory: Path
    changed: bool


def update_index(output: Path, world: World, search: Search = DEFAULT_SEARCH) -> IndexReport:
    """Bring the index of an output directory up to date, for the search chosen: collective.

    Raises
    ------
    ConfigError
        If there is no such directory, or another process is updating its index.
    SectorFileError
        If a directory cannot be read, or the index not be written.
    """
    with _locked(output, world):
        shards, now = world.first(lambda: _begin(output))
        index = output / DIRECTORY

        def update(name: str) -> ShardReport:
            part_file = index / _PARTS / f"{name}.part"
            return update_shard(output / name, part_file, now - _SETTLING_NS, search)

        with ProgressBar() as bar:
            reports = world.scatter(
                shards, update, lambda done, total: bar.show("part", done, total, " of the index")
            )
        return world.first(lambda: _finish(output, reports, search))


@contextmanager
def _locked(output: Path, world: World) -> Iterator[None]:
    """Hold the lock of an index; rank 0 does for all."""

    def lock() -> None:
        index = output / DIRECTORY
        if not output.is_dir():
            raise ConfigError(f"{output}: no such directory")
        try:
            taken.append(FileLock.take(index / "index.claim"))
        except OSError as error:
            raise ConfigError(f"{index}: cannot write here: {error.strerror}") from error
        if taken[0] is None:
            raise ConfigError(f"{index}: another process is updating it")

    taken: list[FileLock | None] = []
    world.first(lock)
    try:
        yield
    finally:
        if taken and taken[0] is not None:
            taken[0].release()


def _begin(output: Path) -> tuple[list[str], int]:
    """The shards, and the time by the clock of the file system, in ns since 1970."""
    if not _shards(output) and (n := _n_indexed(output / DIRECTORY)):
        raise ConfigError(
            f"{output}: no sector files in here: the index of {counted(n, 'light curve')} in it "
            "is left as it is"
        )
    parts = output / DIRECTORY / _PARTS
    try:
        parts.mkdir(parents=True, exist_ok=True)
        clock = parts / "clock"
        clock.write_bytes(b"")
        os.utime(clock)  # by the clock of a file server, not by ours
        now = clock.stat().st_mtime_ns
        shards = _shards(output)
        for part_file in parts.glob("*.part"):
            if part_file.stem not in shards:
                part_file.unlink()
    except OSError as error:
        raise SectorFileError(f"{output}: cannot be indexed: {error.strerror}") from error
    return shards, now


def _shards(output: Path) -> list[str]:
    """The directories of sector files in an output directory."""
    return sorted(
        entry.name
        for entry in os.scandir(output)
        if len(entry.name) == 3 and entry.name.isdecimal() and entry.is_dir()
    )


def _n_indexed(index: Path) -> int:
    """The light curves in the tables of an index; 0 where they are not whole."""
    if digest_of_tables(index) is None:
        return 0
    return pq.read_metadata(table_path(index, "light_curves")).num_rows


def index_alone(output: Path, search: Search = DEFAULT_SEARCH) -> IndexReport | None:
    """The index of an output directory that holds no sector files, as where it was copied to.

    None where there are directories of sector files, or the index has no light curve.

    Raises
    ------
    ConfigError
        If the index is of another search than that chosen.
    SectorFileError
        If the directory cannot be read.
    """
    index = output / DIRECTORY
    try:
        if not output.is_dir() or _shards(output) or not _n_indexed(index):
            return None
    except OSError as error:
        raise SectorFileError(f"{output}: cannot be read: {error.strerror}") from error
    curves = read_table(index, "light_curves", ["search", "n_images", "state", "n_flares"])
    # light curves of format version 1, without mirror images, are of stella's, whichever is chosen
    searched = pc.unique(curves.filter(pc.greater(curves["n_images"], 0))["search"]).to_pylist()
    if others := sorted(set(searched) - {str(search)}):
        raise ConfigError(f"{index}: it is of search {others[0]}: give --search {others[0]}")
    problems = read_table(index, "problems")
    return IndexReport(
        n_read=0,
        n_light_curves=curves.num_rows,
        n_unfinished=pc.sum(pc.equal(curves["state"], "unfinished")).as_py(),
        n_flares=pc.sum(curves["n_flares"]).as_py(),
        n_problems=problems.num_rows,
        left_out=(),
        directory=index,
        changed=False,
    )


def _finish(output: Path, reports: Sequence[ShardReport], search: Search) -> IndexReport:
    """Merge the parts and estimate reliabilities, where they are not those of the last merge."""
    index = output / DIRECTORY
    versions = (str(INDEX_VERSION), search, *(f"{r.name}{r.digest}" for r in reports))
    digest = hashlib.sha256("\n".join(versions).encode()).hexdigest()
    master = index / MASTER
    changed = not digest_of_tables(index) == digest_of_master(master) == digest
    if changed:
        links: list[tuple[int, int, str]] = []
        names = [report.name for report in reports]
        pool = Pool(search)
        for name in names:
            pool.add(name, _part(index, name, search))
        reliability = pool.estimated()
        with merged_tables(index, digest) as add:
            for name in names:
                part = _part(index, name, search)
                add(reliability.completed(name, part))
                rows = part.light_curves.select(["tic", "sector", "path"]).to_pylist()
                links += [(r["tic"], r["sector"], f"{os.pardir}/{r['path']}") for r in rows]
            write_master(master, links, digest)
    numbers = [field.name for field in fields(Counts) if field.name != "left_out"]
    total = {name: sum(getattr(report, name) for report in reports) for name in numbers}
    left_out = tuple(line for report in reports for line in report.left_out)
    return IndexReport(**total, left_out=left_out, directory=index, changed=changed)


def _part(index: Path, name: str, search: Search) -> Part:
    return read_part(index / _PARTS / f"{name}.part", search)[0]


def describe(report: IndexReport) -> str:
    """Describe an update in lines for people; the first problems by name."""
    lines = [
        f"{counted(report.n_light_curves, 'light curve')} ({report.n_unfinished:,} unfinished), "
        f"{counted(report.n_flares, 'flare')}; {counted(report.n_read, 'sector file')} read; "
        f"{'new tables' if report.changed else 'nothing changed'} in {report.directory}"
    ]
    if report.n_problems:
        left_out = counted(report.n_problems, "file is", "files are")
        lines.append(f"{left_out} not in it (table problems):")
        problems = pq.ParquetFile(table_path(report.directory, "problems"))
        first = next(problems.iter_batches(_SHOWN)).to_pylist()
        lines += [f"  {p['kind']}: {p['path']}: {p['reason']}" for p in first]
        if report.n_problems > _SHOWN:
            lines.append(f"  and {report.n_problems - _SHOWN:,} more")
    return "\n".join(lines)
