"""The inbox: a directory into which the science team drops ready events as JSON files.

Each file is dealt with once and then moved aside: to `accepted/`, or to `rejected/` with a text
beside it that says why. To hand in again, drop a file again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.errors import CvzmpiError, LedgerUnavailableError
from cvzmpi.ledger import Job
from cvzmpi.level2.catalogue import Catalogue
from cvzmpi.level2.handing_in import HandInError, ReadyEvent, hand_in

ACCEPTED = "accepted"
REJECTED = "rejected"
_SETTLED_AFTER = 30.0  # seconds: a file that is no JSON may still be on its way


@dataclass(frozen=True)
class Dropped:
    """What became of a file that was dropped.

    Parameters
    ----------
    file : str
        Its name.
    accepted : bool
    text : str
        In words.
    """

    file: str
    accepted: bool
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def empty_inbox(catalogue: Catalogue, job: Job, directory: Path) -> list[Dropped]:
    """Deal with every file that was dropped, in order of their names."""
    dropped = []
    for path in sorted(directory.glob("*.json")):
        try:
            inversion = hand_in(catalogue, job, ReadyEvent.read(path))
        except LedgerUnavailableError:
            raise  # says nothing about the file
        except HandInError as error:
            if _perhaps_incomplete(path):
                continue
            dropped.append(_reject(path, error))
        except CvzmpiError as error:
            dropped.append(_reject(path, error))
        else:
            _move(path, ACCEPTED)
            text = f"{inversion.program} inverted, {inversion.inversion_id}"
            dropped.append(Dropped(path.name, True, text))
    return dropped


def _perhaps_incomplete(path: Path) -> bool:
    """Whether somebody may still be writing it."""
    try:
        text = path.read_text(errors="replace").rstrip()
        return not text.endswith("}") and time.time() - path.stat().st_mtime < _SETTLED_AFTER
    except OSError:
        return False


def _reject(path: Path, error: CvzmpiError) -> Dropped:
    moved = _move(path, REJECTED)
    moved.with_suffix(".error.txt").write_text(f"{error}\n")
    return Dropped(path.name, False, str(error))


def _move(path: Path, folder: str) -> Path:
    """Move a file aside; an earlier one of that name stays, under another name."""
    target = path.parent / folder / path.name
    target.parent.mkdir(exist_ok=True)
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{path.stem}.{number}.json")
    return path.rename(target)
