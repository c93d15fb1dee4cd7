"""All files below a directory, links followed."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from cvzmpi.errors import one_line


def files_below(directory: Path, fail: Callable[[Path, str], None]) -> Iterator[Path]:
    """Find all that is no directory below one, in order; linked directories come last, each once.

    What cannot be looked at, and why, is told to `fail`.
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
