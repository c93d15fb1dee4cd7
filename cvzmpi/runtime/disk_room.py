"""The room on the disk of a job's results, told to the ledger now and then."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

_SECONDS = 60.0  # between two looks


class DiskRoom:
    """Looks at the disk of a directory, at most once a minute.

    Parameters
    ----------
    directory : Path
        It need not be there yet.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._looked = -float("inf")

    def news(self) -> dict[str, Any]:
        """What an event is to tell of it, under the key `disk`; nothing within the minute."""
        now = time.monotonic()
        if now - self._looked < _SECONDS:
            return {}
        self._looked = now
        try:
            usage = shutil.disk_usage(self._directory)
        except OSError:  # the directory is gone: its teams say so
            return {}
        return {
            "disk": {
                "disk": str(self._directory),
                "free_bytes": usage.free,
                "total_bytes": usage.total,
            }
        }
