"""Who has a file locked, as far as this machine knows."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path


def describe_holder(path: Path, locks: Path = Path("/proc/locks")) -> str:
    """Say which process has a file locked.

    Parameters
    ----------
    path : Path
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
