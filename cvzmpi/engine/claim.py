"""Claims: a unit is worked on by one job at a time, and one that crashes jobs is recognised.

The claim on a unit is a small file that the leader of a team keeps locked (`flock`). The lock ends
with the process, whatever ends it, so no claim outlives a dead job. What stays after a job that
died without a warning is the file itself: it counts how many attempts at the unit ended that way
*without any progress*. A killed job's units have usually got further, and then count anew; a unit
that crashes its job each time does not get further, and is given up after some attempts.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError


class PoisonedUnitError(CvzmpiError):
    """The unit was in flight each time that several jobs died; it is not tried again."""


class Claim:
    """The right to work on a unit. Made by `take`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Claim | None:
        """Claim a unit.

        Parameters
        ----------
        path : Path
            The file of the claim.

        Returns
        -------
        Claim or None
            None where another job has it.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            if _is_file(path, descriptor):
                return cls(path, descriptor)
            os.close(descriptor)  # whoever had it removed it between the two calls

    def begin_attempt(self, progress: int, max_attempts: int) -> None:
        """Count this attempt until `release` says that it did not end in a crash.

        Parameters
        ----------
        progress : int
            How far the unit is; more than at the last attempt, and the count begins anew.
        max_attempts : int

        Raises
        ------
        PoisonedUnitError
            If as many attempts ended in a crash without progress; the file stays as it is.
        """
        last = self._read()
        attempts = last["attempts"] if last.get("progress") == progress else 0
        if attempts >= max_attempts:
            raise PoisonedUnitError(
                f"{attempts} jobs died while they worked on it and it got no further, the last on "
                f"{last['host']}; to try again, delete {self._path}"
            )
        self._write(attempts=attempts + 1, progress=progress, host=socket.gethostname())

    def release(self) -> None:
        """Give the unit back: the attempt ended, well or with an error, but not in a crash."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def abandon(self) -> None:
        """Give the unit back, and leave the file as it is."""
        os.close(self._descriptor)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(os.pread(self._descriptor, 4096, 0) or b"{}")
        except ValueError:
            return {}  # killed while it was written: that attempt is not counted
        return content if isinstance(content, dict) else {}

    def _write(self, **content: Any) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(content).encode(), 0)
        os.fsync(self._descriptor)


def _is_file(path: Path, descriptor: int) -> bool:
    """Whether an open file is the one that now has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
