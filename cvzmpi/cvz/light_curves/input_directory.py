"""The input directory: which light curves are in its FITS files, and which file of each is best."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cvzmpi.cvz.light_curves.chosen_products import ONLY_SPOC_120, ChosenProducts
from cvzmpi.cvz.light_curves.fits_file import (
    is_leftover,
    is_named_fits,
    looks_like_fits,
    plain_name,
    size_of,
)
from cvzmpi.cvz.light_curves.fits_header import identity_by_name, read_headers
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import (
    InputFile,
    Known,
    LightCurveSource,
    PassedOver,
    Rejected,
)
from cvzmpi.errors import ConfigError, DamagedLightCurveError, LightCurveError
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.storage.files_below import files_below

_Sector = tuple[str, int, int]  # catalogue, target and sector


def scan_directory(
    directory: Path,
    known: Known | None = None,
    products: ChosenProducts = ONLY_SPOC_120,
) -> tuple[list[LightCurveSource], list[Rejected]]:
    """Find the light curves in a directory and below, by their headers, whatever their names.

    Linked directories are followed. Files that are no FITS are passed over, unless their name says
    that they should be. Of several files of one light curve the best is taken: a whole one rather
    than a truncated one, then the newest processing, then the first by name. The others, and what
    is left of broken downloads of it, are told with it, as those are of products that are not as
    good, or of which no file is whole.

    Parameters
    ----------
    known : Known, optional
        Files that were found before, by path and size: where they have their time they are not
        opened, unless something is asked that is not known of them.
    products : ChosenProducts
        What is taken; a file of another product is rejected.

    Raises
    ------
    ConfigError
        If there is no such directory, or it may not be read.
    """
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such input directory")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise ConfigError(f"{directory}: cannot be read: permission denied")
    found = _Found(directory, known or {}, products)
    with ProgressBar() as bar:
        for number, path in enumerate(files_below(directory, found.reject)):
            bar.show("file", number, more=f" looked at in {directory}")
            found.look_at(path)
    return found.sources(), found.rejected()


@dataclass(frozen=True)
class _Candidate:
    """A file with a light curve in it.

    Its processing is asked for where there are several of a light curve: there may be a million
    files.
    """

    file: InputFile

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.file.path

    @cached_property
    def known(self) -> InputFile | None:
        """The file with its processing; None where its headers cannot be read any more."""
        if self.file.processing is not None:
            return self.file
        try:
            return self.file.with_processing(read_headers(self.path))
        except LightCurveError:
            return None

    @property
    def as_far_as_known(self) -> InputFile:
        """The file with what was asked for."""
        return self.__dict__.get("known") or self.file

    @cached_property
    def is_whole(self) -> bool:
        """True if all rows of its table are there."""
        try:
            end = self.file.end_of_table
            if end is None and self.known is not None:
                end = self.known.end_of_table
            return end is not None and size_of(self.path) >= end
        except LightCurveError:
            return False

    def sort_key(self) -> tuple[object, ...]:
        """Smaller for a worse file; of equal ones, the first by name is the last here."""
        processing = () if self.known is None else self.known.processing
        return (self.is_whole, not is_leftover(self.path), processing)

    def worse_than(self, best: _Candidate) -> str:
        """The reason to take another file."""
        this, taken = self.known, best.known
        if this is None or taken is None or not self.is_whole:
            return f"truncated or damaged; {best.path} is taken"
        if this.processing == taken.processing:
            return f"the same light curve as {best.path}, which is taken"
        return (
            f"processed by {this.processing_name}; {best.path} is taken, by {taken.processing_name}"
        )


@dataclass
class _Found:
    """The files that were found so far."""

    directory: Path
    known: Known
    products: ChosenProducts
    _candidates: dict[LightCurveId, list[_Candidate]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _refused: list[tuple[Path, LightCurveError]] = field(default_factory=list)
    _leftovers: list[tuple[Path, LightCurveError]] = field(default_factory=list)

    def look_at(self, path: Path) -> None:
        """Find out what a file is."""
        try:
            if not (os.path.isfile(path) or is_named_fits(path)):
                return  # a pipe, or a link that does not claim to lead to a light curve
            n_bytes, mtime_ns = _size_and_time(path)
            if not (file := self.known.get((str(path), n_bytes))) or not file.is_as_of(mtime_ns):
                if not looks_like_fits(path):
                    return
                if (name := _written(path)) != str(path):
                    raise LightCurveError(f"{name}: its name is not UTF-8, expected another")
                headers = read_headers(path)
                end = headers.end_of_table
                file = InputFile(path, n_bytes, headers.id, end, mtime_ns=mtime_ns)
            self.products.check(path, file.id)
            self._candidates[file.id].append(_Candidate(file))
        except LightCurveError as error:
            (self._leftovers if is_leftover(path) else self._refused).append((path, error))

    def reject(self, path: Path, reason: str) -> None:
        """Something cannot be looked at."""
        self._refused.append((path, LightCurveError(f"{path}: {reason}")))

    def sources(self) -> list[LightCurveSource]:
        """The light curves, each with its best file."""
        worse = self._worse()
        others = defaultdict(list)
        for key, best in sorted(worse.items()):
            others[best].append(key)
        return [
            self._source(key, others[key]) for key in sorted(self._candidates) if key not in worse
        ]

    def _worse(self) -> dict[LightCurveId, LightCurveId]:
        """The light curves whose target and sector another is taken of, each with that one.

        Whether a file is whole is asked of the best first, and of the next only where it is not.
        """
        several = defaultdict(list)
        for other, best in self.products.worse(self._candidates).items():
            several[best].append(other)
        worse: dict[LightCurveId, LightCurveId] = {}
        for best, others in several.items():
            ranked = [best, *sorted(others, key=self.products.order)]
            whole = (key for key in ranked if any(c.is_whole for c in self._candidates[key]))
            taken = next(whole, best)
            worse |= {key: taken for key in ranked if key != taken}
        return worse

    def rejected(self) -> list[Rejected]:
        """Files that should be light curves and are not, if there is no other file of theirs."""
        return [
            Rejected(self._name(path), str(error))
            for path, error in sorted(self._refused, key=lambda item: item[0])
            if self._stands_for(path, error) is None
        ]

    def _source(self, key: LightCurveId, of_other_products: list[LightCurveId]) -> LightCurveSource:
        candidates = _once(self._candidates[key])
        if len(candidates) > 1:
            candidates = _best_first(candidates)
        best = candidates[0]
        others = [PassedOver(other.path, other.worse_than(best)) for other in candidates[1:]]
        other_products = [
            PassedOver(one.path, self._worse_product(other, key, best.path))
            for other in of_other_products
            for one in _once(self._candidates[other])
        ]
        for damaged, path, error in self._damaged[key.observed]:
            reason = f"{str(error).removeprefix(f'{path}: ')}; {best.path} is taken"
            (others if damaged == key else other_products).append(PassedOver(path, reason))
        several = [
            c for one in (key, *of_other_products) for c in self._candidates[one]
        ]  # links too
        files = tuple(one.as_far_as_known for one in several) if len(several) > 1 else ()
        return LightCurveSource(key, best.path, tuple(others), tuple(other_products), files=files)

    def _worse_product(self, other: LightCurveId, taken: LightCurveId, path: Path) -> str:
        """The reason to take another product."""
        is_better = self.products.order(other) < self.products.order(taken)
        why = ", truncated or damaged" if is_better else ""
        return f"{other.product}{why}; {path} is taken, {taken.product}"

    @cached_property
    def _damaged(self) -> dict[_Sector, list[tuple[LightCurveId, Path, LightCurveError]]]:
        """The damaged files that others stand in for, by target and sector."""
        damaged = defaultdict(list)
        for path, error in sorted(self._refused + self._leftovers, key=lambda item: item[0]):
            if (key := self._stands_for(path, error)) is not None:
                damaged[key.observed].append((key, path, error))
        return damaged

    def _stands_for(self, path: Path, error: LightCurveError) -> LightCurveId | None:
        """The light curve of a damaged file, as its name tells.

        None where there is no other file of its target and sector, of whatever product.
        """
        if not isinstance(error, DamagedLightCurveError):
            return None
        name = plain_name(path)
        key = self._keys_by_name.get(name) or identity_by_name(name)
        return None if key is None or key.observed not in self._sectors else key

    @cached_property
    def _sectors(self) -> set[_Sector]:
        return {key.observed for key in self._candidates}

    @cached_property
    def _keys_by_name(self) -> dict[str, LightCurveId]:
        """The light curves by the names of their files; without names that several have."""
        keys: dict[str, set[LightCurveId]] = defaultdict(set)
        for key, candidates in self._candidates.items():
            for candidate in candidates:
                keys[plain_name(candidate.path)].add(key)
        return {name: next(iter(of_name)) for name, of_name in keys.items() if len(of_name) == 1}

    def _name(self, path: Path) -> str:
        """Name of the unit of a bad file: never one of a light curve."""
        name = _written(path.relative_to(self.directory))
        return name if path.suffix else f"./{name}"


def _once(candidates: list[_Candidate]) -> list[_Candidate]:
    """Without other links to the same file."""
    if len(candidates) == 1:
        return candidates
    files: dict[tuple[int, int], _Candidate] = {}
    for candidate in candidates:
        try:
            status = candidate.path.stat()
        except FileNotFoundError:
            continue  # it was there when it was looked at
        files.setdefault((status.st_dev, status.st_ino), candidate)
    return list(files.values()) or candidates


def _best_first(candidates: list[_Candidate]) -> list[_Candidate]:
    by_name = sorted(candidates, key=lambda candidate: candidate.path)
    return sorted(by_name, key=_Candidate.sort_key, reverse=True)


def _size_and_time(path: Path) -> tuple[int, int]:
    """Bytes of a file, and when it was changed; refuse links to nowhere, pipes and devices."""
    try:
        status = path.stat()
    except OSError as error:
        what = f"a link to {os.readlink(path)}" if path.is_symlink() else "cannot be read"
        raise LightCurveError(f"{path}: {what}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise LightCurveError(f"{path}: no regular file")
    return status.st_size, status.st_mtime_ns


def _written(path: Path) -> str:
    """A path as text that every file and database takes."""
    return str(path).encode(errors="backslashreplace").decode()
