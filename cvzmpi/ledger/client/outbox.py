"""The outbox: events that are not in the database yet, in memory and on disk.

Each job has a file of its own, named by its number in the registry; each line is an event. Events
may be delivered twice: an event counts once, by its key.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from cvzmpi.ledger.db.stored_values import plain
from cvzmpi.ledger.records import Event, Job
from cvzmpi.ledger.states import State
from cvzmpi.messages.said_once import SaidOnce

_log = logging.getLogger(__name__)

_REFUSED = ".refused.jsonl"
_LOST = f"of-a-lost-ledger{_REFUSED}"
_NAMES = {"attempts_used": "charged"}  # of attributes in the file, where these differ
_ATTRIBUTES = {name: attribute for attribute, name in _NAMES.items()}


class Outbox:
    """The file of one job.

    Parameters
    ----------
    directory : Path
        Of the outboxes of all jobs; made when it is needed.
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
        """The events that are kept, without lines that are no events.

        Such a line was being written when its job died.
        """
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        return [event for line in lines if (event := _event(line)) is not None]

    def clear(self) -> None:
        """Remove the events: they are delivered."""
        self.path.unlink(missing_ok=True)

    def refuse(self, events: Sequence[Event], accepted: Sequence[Event]) -> list[Event]:
        """Keep for good, in a file beside, the events that the ledger did not accept.

        Returns
        -------
        list of Event
            Those for which other jobs were faster.
        """
        recorded = {event.key for event in accepted}
        refused = [event for event in events if event.key not in recorded]
        if refused:
            _append(self.refused_path, refused)
        return refused

    @property
    def refused_path(self) -> Path:
        """The file of events that the ledger did not accept."""
        return self.path.with_suffix(_REFUSED)


class Undelivered:
    """The events of a running job that are not in the ledger yet, in the order they happened.

    Parameters
    ----------
    outbox : Outbox
        Where they are kept while the database is away.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._events: list[Event] = []
        self._n_kept = 0  # of these, the first ones, are in the outbox
        self._said = SaidOnce(_log.warning)
        self.can_be_kept = True  # whether the outbox could be written when that was last tried

    def __len__(self) -> int:
        return len(self._events)

    def add(self, events: Sequence[Event]) -> None:
        """Take what happened last."""
        self._events += events

    def first(self, n: int) -> list[Event]:
        """The events that are to be delivered next."""
        return self._events[:n]

    def keep(self) -> None:
        """Write to the outbox what is not there yet, so that it outlives the process."""
        try:
            self._outbox.append(self._events[self._n_kept :])
        except OSError as error:
            self.can_be_kept = False
            self._said.tell(f"the outbox cannot be written: {error}")
        else:
            self.can_be_kept = True
            self._said.over("the outbox can be written again")
            self._n_kept = len(self._events)

    def leave(self, *, is_lost: bool) -> None:
        """Say what becomes of the events that the ledger did not take until the job ended.

        Parameters
        ----------
        is_lost : bool
            Whether there is no such ledger any more.
        """
        if not self._events:
            return
        if is_lost or not self.can_be_kept:
            what = "are recorded nowhere: the files of the units tell what is done"
        else:
            what = f"stay in {self._outbox.path}; the next job delivers them"
        _log.warning("%d events %s", len(self._events), what)

    def delivered(self, events: Sequence[Event], accepted: Sequence[Event]) -> None:
        """Note that the ledger was given the first events, and accepted those that came in time."""
        self._events = self._events[len(events) :]
        was_kept, self._n_kept = self._n_kept, max(self._n_kept - len(events), 0)
        if len(accepted) < len(events):
            for event in self._outbox.refuse(events, accepted):
                _log.warning("%s -> %s came too late", event.unit, event.to_state)
            _log.warning("kept in %s", self._outbox.refused_path)
        if was_kept and not self._n_kept:
            self._outbox.clear()


def count_undelivered(directory: Path) -> int:
    """Count the events in the outboxes of a directory."""
    n = 0
    for path in directory.glob("*.jsonl"):
        if not path.name.endswith(_REFUSED):
            with suppress(FileNotFoundError):  # delivered meanwhile
                n += len(path.read_text(encoding="utf-8", errors="replace").splitlines())
    return n


def set_aside_lost(directory: Path, job: Job, known: Callable[[], Collection[Job]]) -> list[Path]:
    """Rename the outboxes that no job of this ledger can have written, and say so.

    They are from jobs of a ledger that is lost. Left where they are, they would wait for ever, or
    be taken for those of a later job that gets the same number.

    Parameters
    ----------
    directory : Path
        Of the outboxes of all jobs.
    job : Job
        This one, which has just begun and has written nothing yet.
    known : callable
        All jobs of the ledger; asked only where there are outboxes. A job is in the ledger before
        its outbox is on disk.

    Returns
    -------
    list of Path
        What the files are called now.
    """
    waiting = {int(path.stem): path for path in directory.glob("*.jsonl") if path.stem.isdecimal()}
    if not waiting:
        return []
    others = {other.id for other in known()} - {job.id}
    aside = []
    for number in sorted(waiting.keys() - others):
        path = waiting[number]
        try:
            n_events = path.read_bytes().count(b"\n")
            aside.append(path.rename(_free_name(path)))
        except FileNotFoundError:
            continue  # another job was faster
        except OSError as error:
            _log.warning("%s: cannot be set aside: %s", path, error.strerror)
            continue
        _log.warning(
            "%s: %d events of a job of another ledger, which is lost; kept as %s. What was done is "
            "known from the sector files",
            path,
            n_events,
            aside[-1].name,
        )
    return aside


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.{number}.{_LOST}")).exists():
        number += 1
    return aside


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
