"""Names for processes that are never used again, and whether such a process still runs."""

from __future__ import annotations

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def identity() -> str:
    """A name of this process that no other process ever has."""
    return f"{_place()} {_name(os.getpid())}"


def is_gone(process: str) -> bool | None:
    """True if a process has ended.

    Parameters
    ----------
    process : str
        Its `identity`.

    Returns
    -------
    bool or None
        None where that cannot be known: it is on another machine, or in another container.
    """
    place, _, name = process.rpartition(" ")
    if not place or place != _place():
        return None
    pid = name.partition(":")[0]
    return not pid.isdecimal() or _name(int(pid[:10])) != name


def _place() -> str:
    """The boot of this machine, and the container whose process numbers are seen here."""
    try:
        return f"{_BOOT.read_text().strip()}/{os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return ""  # no Linux: nothing is known of other processes


def _name(pid: int) -> str:
    """Process number and the time of its start, since numbers are used again; empty when gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *_ = fields = stat.rpartition(")")[2].split()
    return f"{pid}:{fields[19]}" if state != "Z" else ""
