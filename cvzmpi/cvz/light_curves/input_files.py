"""The files below the input directory: every one once, through links as well."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from cvzmpi.errors import LightCurveError, one_line

_LEFTOVER_SUFFIXES = {
    ".part", ".partial", ".crdownload", ".download", ".filepart", ".aria2", ".tmp", ".temp", ".swp",
    ".bak", ".orig",
}  # fmt: skip


def is_leftover(path: Path) -> bool:
    """True for a name that a file manager, an editor or a broken download leaves.

    It may be a light curve nevertheless; if it is none, nobody misses it.
    """
    name = path.name
    return name.startswith(".") or name.endswith("~") or path.suffix.lower() in _LEFTOVER_SUFFIXES


def files_below(directory: Path, fail: Callable[[Path, str], None]) -> Iterator[Path]:
    """Find all files below a directory, in order; linked directories come last, each once.

    Parameters
    ----------
    fail : callable
        Told of what cannot be looked at, and why.

    Yields
    ------
    Path
        What is no directory: regular files, links to them, and what else is there.
    """
    linked = deque([directory])
    seen: set[tuple[int, int]] = set()
    while linked:
        waiting = [linked.popleft()]
        found: list[Path] = []
        while waiting:
            current = waiting.pop()
            try:
                status = current.stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue  # a link leads back here, or two lead to the same
                seen.add((status.st_dev, status.st_ino))
                with os.scandir(current) as entries:
                    for entry in entries:
                        path = Path(entry.path)
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(path)
                        elif _is_linked_directory(entry):
                            linked.append(path)
                        else:
                            found.append(path)
            except OSError as error:
                fail(current, f"cannot be read: {error.strerror or one_line(error)}")
        linked = deque(sorted(linked))
        yield from sorted(found)


def _is_linked_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that lead to each other, or nowhere that may be looked at
        return False


def check_is_file(path: Path) -> int:
    """Refuse links to nowhere, pipes and devices.

    Returns
    -------
    int
        The size of the file in bytes.

    Raises
    ------
    LightCurveError
    """
    try:
        status = path.stat()
    except OSError as error:
        if path.is_symlink():
            raise LightCurveError(
                f"{path}: a link to {os.readlink(path)}: {error.strerror}"
            ) from error
        raise LightCurveError(f"{path}: cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise LightCurveError(f"{path}: no regular file")
    return status.st_size


def check_name(path: Path) -> None:
    """Refuse a name that cannot be written down.

    Raises
    ------
    LightCurveError
    """
    if written(path) != str(path):
        raise LightCurveError(f"{written(path)}: its name is not UTF-8, expected another")


def written(path: Path) -> str:
    """A path as text that every file and database takes."""
    return str(path).encode(errors="backslashreplace").decode()
