"""Claims: a unit is worked on by one team at a time, whatever else goes wrong.

The claim on a unit is a small file that the leader of a team keeps locked (`flock`). The lock ends
with the process, whatever ends it, so no claim outlives a dead job. It is the last guard, at the
unit's own files: who is to have a unit is agreed elsewhere, as is how often it may be tried.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cvzmpi.errors import MachineError


class ClaimError(MachineError):
    """The file of a claim cannot be made, or cannot be locked; what it is about is not at fault."""


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
            None where another process has it.

        Raises
        ------
        ClaimError
        """
        try:
            return cls._take(path)
        except OSError as error:
            raise ClaimError(f"{path}: cannot be made: {error.strerror}") from error

    @classmethod
    def _take(cls, path: Path) -> Claim | None:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except OSError:
                os.close(descriptor)
                path.unlink(missing_ok=True)
                raise
            if _is_file(path, descriptor):
                return cls(path, descriptor)
            os.close(descriptor)  # whoever had it removed it between the two calls

    def is_there(self) -> bool:
        """Whether the file of the claim is where it was made; else its directory is gone."""
        try:
            return _is_file(self._path, self._descriptor)
        except OSError:
            return False

    def release(self) -> None:
        """Give the unit back."""
        with suppress(OSError):  # what stays locks nothing
            if self.is_there():
                self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def why_no_locks(directory: Path) -> str | None:
    """Why files in a directory cannot be locked, so that nothing there can be claimed; else None.

    Raises
    ------
    OSError
        If nothing can be written there.
    """
    with tempfile.TemporaryFile(dir=directory) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.strerror
    return None


def _is_file(path: Path, descriptor: int) -> bool:
    """Whether an open file is the one that now has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False
