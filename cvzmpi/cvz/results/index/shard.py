"""One directory of sector files, and its part of the index: only what changed is read again.

A *shard* is one of the thousand directories of an output directory. Its part of the index is one
file with all tables. A file is known by its size and the time of its last change; where that time
is so short before the reading that a later change might not show in it, the file is read again next
time (as git does with its index). So parts are right on file systems with coarse or late times too.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.columns import (
    COMPLETENESS_SCHEMA,
    EVENT_SCHEMA,
    FLARE_SCHEMA,
    LIGHT_CURVE_SCHEMA,
    PROBLEM_SCHEMA,
)
from cvzmpi.cvz.results.index.part import Part, read_part, write_part
from cvzmpi.cvz.results.index.summary import Summary, UnreadableError, summarise
from cvzmpi.cvz.results.products.counted_once import not_counted
from cvzmpi.errors import SectorFileError, defect_line, one_line

_ATTEMPTS = 3
_SAME = ("st_ino", "st_size", "st_mtime_ns")  # as long as a file does not change
_KEY = [("tic", "ascending"), ("sector", "ascending")]


@dataclass(frozen=True)
class Counts:
    """Numbers of what was read now and of what is in the tables, of one shard or of all.

    `left_out` has a line for each sector file that should be in the tables and cannot: not for
    those that only change just now, nor for files of other names.
    """

    n_read: int
    n_light_curves: int
    n_unfinished: int
    n_flares: int
    n_problems: int
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class ShardReport(Counts):
    """The update of one shard. Its digest is the same as long as nothing changes."""

    name: str
    digest: str


@dataclass
class _Rows:
    """Rows that are read now, before they become tables."""

    light_curves: list[pa.RecordBatch] = field(default_factory=list)
    flares: list[pa.RecordBatch] = field(default_factory=list)
    events: list[pa.RecordBatch] = field(default_factory=list)
    completeness: list[pa.RecordBatch] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)

    def add(self, summary: Summary, state: dict[str, Any]) -> None:
        """Add a light curve and its tables; `state` has the columns that its file does not know."""
        row = summary.light_curve
        try:
            batch = pa.RecordBatch.from_pylist([row | state], LIGHT_CURVE_SCHEMA)
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise UnreadableError("unusable", one_line(error)) from error
        self.light_curves.append(batch)
        for batches, columns, schema in (
            (self.flares, summary.flares, FLARE_SCHEMA),
            (self.events, summary.events, EVENT_SCHEMA),
            (self.completeness, summary.completeness, COMPLETENESS_SCHEMA),
        ):
            if n := len(next(iter(columns.values()))):
                owner = {name: np.full(n, row[name]) for name in ("tic", "sector")}
                batches.append(pa.record_batch(owner | columns, schema))


def update_shard(
    directory: Path, part_file: Path, settled_before: int, search: Search = DEFAULT_SEARCH
) -> ShardReport:
    """Bring the part of one shard up to date; its part need not exist.

    Parameters
    ----------
    settled_before : int
        Files that changed after this time (ns since 1970, by the file system's clock) are read
        again next time.
    search : str
        The search chosen; what was read for another one is read again.

    Raises
    ------
    SectorFileError
        If the directory cannot be read or the part not be written.
    """
    known, digest = read_part(part_file, search)
    seen, rows = _look(directory, search)
    kept = _unchanged(known.light_curves, seen)
    for name in sorted(seen.keys() - kept):
        _read(directory / name, settled_before, search, rows)
    part = _merge(known, {f"{directory.name}/{name}" for name in kept}, rows)
    digest = write_part(part_file, part, search, digest)
    state = part.light_curves["state"]
    left_out = tuple(
        f"{problem['path']}: {problem['reason']}"
        for problem in part.problems.to_pylist()
        if problem["path"].partition("/")[2] in seen and problem["kind"] != "changing"
    )
    return ShardReport(
        name=directory.name,
        digest=digest,
        n_read=len(seen) - len(kept),
        n_light_curves=len(state),
        n_unfinished=pc.sum(pc.equal(state, "unfinished")).as_py() or 0,
        n_flares=pc.sum(part.light_curves["n_flares"]).as_py() or 0,
        n_problems=part.problems.num_rows,
        left_out=left_out,
    )


def _look(directory: Path, search: Search) -> tuple[dict[str, os.stat_result], _Rows]:
    """The sector files of a shard by name, and what else is there, as problems."""
    seen, rows = {}, _Rows()
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                kind = _kind(entry, directory.name)
                if kind == "sector file":
                    try:
                        seen[entry.name] = entry.stat()
                    except FileNotFoundError:
                        continue  # set aside in this moment
                elif kind not in _PASSED_OVER:
                    rows.problems.append(_problem(Path(entry.path), kind, _REASONS[kind]))
    except OSError as error:
        raise SectorFileError(f"{directory}: cannot be read: {error.strerror}") from error
    files = {LightCurveId.of_unit(name.removesuffix(".h5")): directory / name for name in seen}
    for other, reason in not_counted(files, search).items():
        name = f"{other.name}.h5"
        del seen[name]
        rows.problems.append(_problem(directory / name, "second", reason))
    return seen, rows


_PICTURES = {".png", ".pdf"}  # that somebody had drawn beside the sector file
_PASSED_OVER = {"claim", "picture"}
_REASONS = {
    "damaged": "set aside by a job; its light curve starts anew",
    "half-written": "left by a job that was killed, or being written now",
    "foreign": "not the name of a sector file of this directory",
}


def _kind(entry: os.DirEntry[str], shard: str) -> str:
    """The kind of an entry of a shard, by its name."""
    name = entry.name
    stem, suffix, rest = name.partition(".h5")
    if stem.endswith(".claim"):
        return "claim"
    if Path(name).suffix.lower() in _PICTURES and LightCurveId.parse(Path(name).stem) is not None:
        return "picture"
    light_curve = LightCurveId.parse(stem)
    if not suffix or light_curve is None or light_curve.shard != shard or entry.is_dir():
        return "foreign"
    if not rest:
        return "sector file"
    if rest == ".new":
        return "half-written"
    return "damaged" if rest.startswith(".damaged") else "foreign"


def _unchanged(known: pa.Table, seen: dict[str, os.stat_result]) -> set[str]:
    """The names of the files whose row can stay as it is."""
    settled = known.filter(known["settled"]).select(["path", "size", "mtime_ns"]).to_pylist()
    states = {row["path"].partition("/")[2]: (row["size"], row["mtime_ns"]) for row in settled}
    return {name for name, s in seen.items() if states.get(name) == (s.st_size, s.st_mtime_ns)}


def _read(path: Path, settled_before: int, search: Search, rows: _Rows) -> None:
    """Read one file; again, if it changed while it was read."""
    try:
        for _ in range(_ATTEMPTS):
            before = _state(path)
            summary = summarise(path, search)
            after = os.stat(path)
            if all(getattr(before, name) == getattr(after, name) for name in _SAME):
                break
        else:
            raise UnreadableError("changing", f"changed during each of {_ATTEMPTS} readings")
        row = summary.light_curve
        found = LightCurveId.of_row(row)
        if path.stem != found.name:
            raise UnreadableError("foreign", f"it is of {found}, says its content")
        state = {
            "path": f"{path.parent.name}/{path.name}",
            "size": before.st_size,
            "mtime_ns": before.st_mtime_ns,
            "settled": before.st_mtime_ns < settled_before,
        }
        rows.add(summary, state)
    except FileNotFoundError:
        return  # set aside while we looked
    except UnreadableError as error:
        rows.problems.append(_problem(path, error.kind, str(error)))
    except Exception as error:  # whatever its content makes of our code, the others go on
        rows.problems.append(_problem(path, "unusable", defect_line(error)))


def _state(path: Path) -> os.stat_result:
    """The state of a file, which is opened for it: a network file system then asks its server."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # it may be a pipe
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def _problem(path: Path, kind: str, reason: str) -> dict[str, str]:
    return {"path": f"{path.parent.name}/{path.name}", "kind": kind, "reason": reason}


def _merge(known: Part, kept: set[str], rows: _Rows) -> Part:
    """Put together the rows that were known and stay, and those that were read now."""
    paths = pa.array(sorted(kept), pa.string())
    stays = known.light_curves.filter(pc.is_in(known.light_curves["path"], paths))
    read = pa.Table.from_batches(rows.light_curves, LIGHT_CURVE_SCHEMA)
    light_curves = pa.concat_tables([stays, read]).sort_by(_KEY).combine_chunks()
    still = set(_owners(stays)) - set(_owners(read))

    def merged(of_known: pa.Table, batches: list[pa.RecordBatch]) -> pa.Table:
        """Rows of light curves, those of each in the order of its file: the sort is stable."""
        mask = pa.array([owner in still for owner in _owners(of_known)], pa.bool_())
        found = pa.Table.from_batches(batches, of_known.schema)
        return pa.concat_tables([of_known.filter(mask), found]).sort_by(_KEY).combine_chunks()

    problems = pa.Table.from_pylist(
        sorted(rows.problems, key=lambda problem: problem["path"]), PROBLEM_SCHEMA
    )
    return Part(
        light_curves,
        merged(known.flares, rows.flares),
        merged(known.events, rows.events),
        merged(known.completeness, rows.completeness),
        problems,
    )


def _owners(table: pa.Table) -> list[tuple[int, int]]:
    """TIC number and sector of each row."""
    return list(zip(table["tic"].to_pylist(), table["sector"].to_pylist(), strict=True))
