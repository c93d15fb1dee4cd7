"""File locks: a unit is worked on by one team at a time, whatever else goes wrong.

The leader of a team keeps a small file beside the unit's own locked (`flock`). The lock ends with
the process, whatever ends it, so none outlives a dead job. It is the last guard, at the unit's own
files: the ledger says who is to have a unit, and how often it may be tried.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from cvzmpi.errors import MachineError


class FileLockError(MachineError):
    """A file cannot be made or locked, by no fault of what it protects."""


class FileLock:
    """A lock that this process has. Made by `take`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """Make a file where there is none, and lock it.

        Returns
        -------
        FileLock or None
            None where another process has it locked.

        Raises
        ------
        FileLockError
        """
        try:
            return cls._take(path)
        except OSError as error:
            raise FileLockError(f"{path}: cannot be made: {error.strerror}") from error

    @classmethod
    def _take(cls, path: Path) -> FileLock | None:
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
        """Tell whether the file is where it was made; if not, its directory is gone."""
        try:
            return _is_file(self._path, self._descriptor)
        except OSError:
            return False

    def release(self) -> None:
        """Remove the file, and unlock it."""
        with suppress(OSError):  # what stays locks nothing
            if self.is_there():
                self._path.unlink(missing_ok=True)
        os.close(self._descriptor)


def why_no_locks(directory: Path) -> str | None:
    """Try a lock in a directory; the reason why no file can be locked there, or None.

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
    """Tell whether an open file is the one that now has this name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def describe_holder(path: Path, locks: Path = Path("/proc/locks")) -> str:
    """Say which process has a file locked.

    Parameters
    ----------
    locks : Path
        The system's list of locks, as proc(5) describes it.

    Returns
    -------
    str
        Number, program and owner of the process; that it is none of this machine where the list
        does not have it, as for a process on another machine or in another container.
    """
    try:
        pid = _pid_of_lock(path.stat().st_ino, locks.read_text())
        program = Path(f"/proc/{pid}/comm").read_text().strip()
        owner = _user_name(os.stat(f"/proc/{pid}").st_uid)
    except (OSError, LookupError):
        return f"a process that is not known on {socket.gethostname()}"
    return f"process {pid} on {socket.gethostname()} ({program}, of {owner})"


def _pid_of_lock(inode: int, listed: str) -> int:
    """The process that has locked a file with `flock`."""
    for line in listed.splitlines():
        fields = line.split()  # 1: FLOCK ADVISORY WRITE 3618 fe:00:2146647 0 EOF
        if len(fields) == 8 and fields[1] == "FLOCK" and fields[5].endswith(f":{inode}"):
            return int(fields[4])
    raise LookupError(inode)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
