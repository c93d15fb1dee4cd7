"""The inbox: a directory for the ready events of the science team, as JSON files.

Each file is read once and then moved to `accepted/`, or to `rejected/` with the reason in a text
file beside it. To hand in again, drop a file again.
"""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.errors import (
    CvzmpiError,
    LedgerLostError,
    LedgerUnavailableError,
    MachineError,
    PutOffError,
    UnavailableError,
    one_line,
)
from cvzmpi.ledger import Job
from cvzmpi.level2.handing_in.hand_in import NO_COMMIT_CHECK, HandInSettings, hand_in
from cvzmpi.level2.handing_in.ready_event import MAX_BYTES, HandInError, ReadyEvent
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.isolation import program_failure
from cvzmpi.messages.foreign_json import plain
from cvzmpi.regular_file import UnreadableFileError, read_bounded

ACCEPTED = "accepted"
REJECTED = "rejected"
_LOGGER = logging.getLogger(__name__)
_SETTLED_AFTER = 30.0  # seconds: a file that is no JSON may still be on its way


class InboxError(CvzmpiError):
    """The inbox cannot be emptied."""


@dataclass(frozen=True)
class Dropped:
    """The result for a file that was dropped."""

    file: str  # its name
    accepted: bool
    text: str  # the result in words

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def empty_inbox(
    catalogue: Catalogue, job: Job, directory: Path, settings: HandInSettings = NO_COMMIT_CHECK
) -> list[Dropped]:
    """Accept or reject every file that was dropped, in the order of their names.

    One that cannot be answered now, as its repository is away, stays for later.

    Raises
    ------
    InboxError
        If accepted files cannot be moved aside; then nothing is accepted.
    CvzmpiError
        If the ledger, the machine or the installation is at fault.
    """
    files = sorted(directory.glob("*.json"))
    dropped = [_accept_or_reject(catalogue, job, path, settings) for path in files]
    return [one for one in dropped if one is not None]


def _accept_or_reject(
    catalogue: Catalogue, job: Job, path: Path, settings: HandInSettings
) -> Dropped | None:
    """Accept or reject a file, or leave it for later; None if it may still be being written."""
    try:
        ready = ReadyEvent.read(path)
        _make_folder(path.parent / ACCEPTED)
        inversion = hand_in(catalogue, job, ready, settings)
    except (LedgerLostError, LedgerUnavailableError, MachineError, InboxError):
        raise  # the file is not at fault
    except (UnavailableError, PutOffError) as error:
        return Dropped(plain(path.name), False, f"{plain(str(error))}; later again")
    except HandInError as error:
        return None if _perhaps_incomplete(path) else _reject(path, error)
    except Exception as error:
        failure = program_failure(error, plain(path.name), _LOGGER)
        return _reject(path, failure)
    text = f"{inversion.program} inverted, {inversion.inversion_id}"
    try:
        _move(path, ACCEPTED)
    except OSError as error:
        text += f"; it cannot be moved aside: {one_line(error)}"
    return Dropped(plain(path.name), True, text)


def _perhaps_incomplete(path: Path) -> bool:
    """True if somebody may still be writing the file."""
    try:
        text = read_bounded(path, MAX_BYTES).rstrip()
        return not text.endswith(b"}") and time.time() - path.stat().st_mtime < _SETTLED_AFTER
    except (UnreadableFileError, OSError):
        return False


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InboxError(f"{plain(str(folder))}: cannot be made: {one_line(error)}") from error


def _reject(path: Path, error: CvzmpiError) -> Dropped:
    text = str(error)
    try:
        moved = _move(path, REJECTED)
        reason = _beside(moved, ".error.txt")
        with reason.open("x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{text}\n")
    except OSError as failure:
        text += f"; it cannot be moved aside: {one_line(failure)}"
    return Dropped(plain(path.name), False, plain(text))


def _move(path: Path, folder: str) -> Path:
    """Move a file aside, under another name if that one is taken."""
    target = path.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while os.path.lexists(target) or os.path.lexists(_beside(target, ".error.txt")):
        number += 1
        target = target.with_name(f"{path.stem}.{number}.json")
    return path.rename(target)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.stem}{suffix}")
