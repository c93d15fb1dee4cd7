"""The events of a running job that are not in the ledger yet."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cvzmpi.ledger.client.outbox import Outbox
from cvzmpi.ledger.records import Event
from cvzmpi.said_once import SaidOnce

_log = logging.getLogger(__name__)


class Undelivered:
    """Events in the order in which they happened: in memory, and on disk where that is wanted.

    Parameters
    ----------
    outbox : Outbox

    Attributes
    ----------
    can_be_kept : bool
        Whether the outbox could be written when that was last tried.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._events: list[Event] = []
        self._n_kept = 0  # of these, the first ones, are in the outbox
        self._said = SaidOnce(_log.warning)
        self.can_be_kept = True

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
            self.can_be_kept = False
            self._said.tell(f"the outbox cannot be written: {error}")
        else:
            self.can_be_kept = True
            self._said.over("the outbox can be written again")
            self._n_kept = len(self._events)

    def leave(self, *, is_lost: bool) -> None:
        """Say what becomes of what the ledger did not take, at the end of a job.

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
