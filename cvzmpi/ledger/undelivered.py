"""The events of a running job that are not in the ledger yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cvzmpi.ledger.outbox import Outbox
from cvzmpi.ledger.records import Event

_log = logging.getLogger(__name__)


class Undelivered:
    """Events in the order in which they happened: in memory, and on disk where that is wanted.

    Parameters
    ----------
    outbox : Outbox
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._events: list[Event] = []
        self._n_kept = 0  # of these, the first ones, are in the outbox

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        """Something happened."""
        self._events.append(event)

    def first(self, n: int) -> list[Event]:
        """What is to be delivered next."""
        return self._events[:n]

    def keep(self) -> None:
        """Put into the outbox what is not there yet: it outlives the process."""
        try:
            self._outbox.append(self._events[self._n_kept :])
        except OSError as error:
            _log.warning("the outbox cannot be written: %s", error)
        else:
            self._n_kept = len(self._events)

    def delivered(self, events: Sequence[Event], accepted: Sequence[Event]) -> None:
        """The ledger was given the first events, and took those that came in time."""
        self._events = self._events[len(events) :]
        was_kept, self._n_kept = self._n_kept, max(self._n_kept - len(events), 0)
        if len(accepted) < len(events):
            self._refused(events, accepted)
        if was_kept and not self._n_kept:
            self._outbox.clear()

    def _refused(self, events: Sequence[Event], accepted: Sequence[Event]) -> None:
        recorded = {event.key for event in accepted}
        refused = [event for event in events if event.key not in recorded]
        for event in refused:
            _log.warning("%s -> %s came too late", event.unit, event.to_state)
        _log.warning("kept in %s", self._outbox.refuse(refused))
