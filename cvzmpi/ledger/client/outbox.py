"""The outbox: events that the database could not take yet, on disk.

Each job has its own file, named by its number in the registry; each line is an event. Whoever
delivers it may do so twice: an event counts once, by its key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cvzmpi.ledger.db.json_values import plain
from cvzmpi.ledger.records import Event, Job
from cvzmpi.ledger.states import State

_REFUSED = ".refused.jsonl"
_NAMES = {"attempts_used": "charged"}  # of attributes in the file, where these differ
_ATTRIBUTES = {name: attribute for attribute, name in _NAMES.items()}


class Outbox:
    """The undelivered events of one job.

    Parameters
    ----------
    directory : Path
        Of the outboxes of all jobs; made when it is needed.
    job : Job

    Attributes
    ----------
    path : Path
    """

    def __init__(self, directory: Path, job: Job) -> None:
        self.path = directory / f"{job.id}.jsonl"

    def append(self, events: Sequence[Event]) -> None:
        """Keep some more events.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        if events:
            _append(self.path, events)

    def read(self) -> list[Event]:
        """The events that are kept; a line that was being written when its job died is left out.

        So is any other line that is no event.
        """
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [event for line in lines if (event := _event(line)) is not None]

    def clear(self) -> None:
        """Forget them: they are delivered."""
        self.path.unlink(missing_ok=True)

    def refuse(self, events: Sequence[Event]) -> Path:
        """Keep for good, beside, what the ledger refused since others were faster; where."""
        path = self.path.with_suffix(_REFUSED)
        _append(path, events)
        return path


def count_undelivered(directory: Path) -> int:
    """How many events are in the outboxes of a directory."""
    return sum(
        len(path.read_text(encoding="utf-8", errors="replace").splitlines())
        for path in directory.glob("*.jsonl")
        if not path.name.endswith(_REFUSED)
    )


def _append(path: Path, events: Sequence[Event]) -> None:
    path.parent.mkdir(exist_ok=True)  # not its parent: an output directory that is gone stays so
    lines = "".join(json.dumps(plain(_values(event))) + "\n" for event in events)
    with path.open("a", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _values(event: Event) -> dict[str, Any]:
    values = {
        _NAMES.get(name, name): value for name, value in asdict(event).items() if value is not None
    }
    return values | {"at": event.at.isoformat(), "key": str(event.key)}


def _event(line: str) -> Event | None:
    try:
        values = json.loads(line)
        values |= {"at": datetime.fromisoformat(values["at"]), "key": UUID(values["key"])}
        for name in ("from_state", "to_state"):
            if name in values:
                values[name] = State(values[name])
        return Event(**{_ATTRIBUTES.get(name, name): value for name, value in values.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # whatever it is
        return None
