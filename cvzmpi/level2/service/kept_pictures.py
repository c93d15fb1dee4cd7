"""Pictures of maps, made in a process of their own when they are asked for, and kept in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from cvzmpi.errors import MapFileError
from cvzmpi.level2.product.bounded_process import LimitError, call_bounded, preload

_MODULE = "cvzmpi.level2.pictures.page_pictures"
_MOST_BYTES = 128 << 20
_SECONDS, _GIGABYTES = 300.0, 8.0  # of a process


class KeptPictures:
    """The pictures of maps, and the values of pixels.

    This process loads neither NumPy nor matplotlib, and a file that others made cannot harm it. One
    map is drawn at a time. Pictures of a file that changed are made anew; of many maps, those
    asked for longest ago are forgotten.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        preload(_MODULE)
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def pictures(self, file: Path, prepared: Path | None) -> dict[str, Any]:
        """What `page_pictures.page_pictures` makes of a map.

        Raises
        ------
        MapFileError
        """
        made: dict[str, Any] = self._keep("page_pictures", file, prepared)
        return made

    def whole_picture(self, file: Path, prepared: Path | None) -> bytes:
        """The picture of `cvzmpi level2 plot`.

        Raises
        ------
        MapFileError
        """
        made: bytes = self._keep("whole_picture", file, prepared)
        return made

    def pixel(self, file: Path, prepared: Path | None, x: int, y: int) -> dict[str, Any]:
        """What `page_pictures.pixel_values` reads of a pixel; nothing is kept.

        Raises
        ------
        MapFileError
        """
        values: dict[str, Any] = _call("pixel_values", file, prepared, x, y)
        return values

    def _keep(self, function: str, file: Path, prepared: Path | None) -> Any:
        key = (function, _version(file), prepared and _version(prepared))
        with self._lock:
            if key not in self._kept:
                made = _call(function, file, prepared)
                self._kept[key] = made, _n_bytes(made)
                while len(self._kept) > 1 and self._n_kept() > self._most_bytes:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def _n_kept(self) -> int:
        return sum(size for _, size in self._kept.values())


def _version(file: Path) -> tuple[str, int, int]:
    """What changes when a file is written."""
    try:
        found = file.stat()
    except OSError as error:
        raise MapFileError(f"{file}: cannot be read: {error.strerror}") from error
    return str(file), found.st_mtime_ns, found.st_size


def _call(function: str, *arguments: Any) -> Any:
    try:
        return call_bounded(
            f"{_MODULE}:{function}", *arguments, seconds=_SECONDS, gigabytes=_GIGABYTES
        )
    except LimitError as error:
        raise MapFileError(f"{arguments[0]}: cannot be shown: {error}") from error


def _n_bytes(made: Any) -> int:
    if isinstance(made, bytes):
        return len(made)
    if isinstance(made, dict):
        return sum(map(_n_bytes, made.values()))
    return 0
