"""The output directory: whether its file system takes files, locks them, and has room."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from cvzmpi.cvz.checkup.finding import Finding, note, ok, problem
from cvzmpi.cvz.checkup.python_process import printed_by
from cvzmpi.cvz.configuration import Config
from cvzmpi.errors import MachineError
from cvzmpi.storage.file_lock import FileLock

_LITTLE_GB, _TOO_LITTLE_GB = 2.0, 0.05
_TRIAL = b"\0" * (1 << 20)
_TAKE = """
import sys
from pathlib import Path
from cvzmpi.storage.file_lock import FileLock
print("refused" if FileLock.take(Path(sys.argv[1])) is None else "taken")
"""


def check_output(config: Config) -> Finding:
    """Write, lock and remove a file where the sector files are, or will be."""
    directory = config.output.directory.absolute()
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not existing.is_dir():
        return problem(f"{existing} is no directory", "let output.directory name another")
    try:
        free = shutil.disk_usage(existing).free / 1e9
        if free < _TOO_LITTLE_GB:
            return problem(
                f"{directory}: {1000 * free:.0f} MB free",
                "make room, or let output.directory name another file system",
            )
        with tempfile.TemporaryDirectory(prefix=".cvzmpi-doctor-", dir=existing) as trial:
            (Path(trial) / "file").write_bytes(_TRIAL)
            is_refused = _is_refused_to_others(Path(trial) / "lock")
    except MachineError as error:
        return problem(
            f"{directory}: files cannot be locked ({error})",
            "use another file system, or have it mounted with locks (Lustre: -o flock)",
        )
    except OSError as error:
        return problem(
            f"{directory}: cannot write here: {error.strerror}",
            "let output.directory name a directory that is yours and has room",
        )
    if not is_refused:
        return problem(
            f"{directory}: two processes get one lock, so that two jobs would do the same",
            "use another file system, or have it mounted with locks (Lustre: -o flock)",
        )
    works = f"{directory}: locks work"
    if free < _LITTLE_GB:
        return note(f"{works}, {free:.1f} GB free", "make room for a larger campaign")
    return ok(f"{works}, {free:,.0f} GB free")


def _is_refused_to_others(path: Path) -> bool:
    """True if a lock that this process has is refused to another one."""
    lock = FileLock.take(path)
    if lock is None:
        raise MachineError("a new file is locked already")
    try:
        return printed_by(_TAKE, str(path)) == "refused"
    finally:
        lock.release()
