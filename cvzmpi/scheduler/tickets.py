"""The work of a team on one unit, in tickets, with a checkpoint at every interval.

A unit's work is a list of items in a fixed order, cut into *tickets*. The members of the team take
ticket after ticket, each the next one when it is ready for it, and write what they find into the
unit's file. When the interval is over, or the job is to stop, nobody takes another; the rows of all
members are made durable, and only then the file's count of what is done (see
`storage.checkpoint_file`). Tickets are taken in order, so what is done is always a beginning of the
list, and its length says it all: another job, with a team of any size, goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

from cvzmpi.mpi.team import Team, Tickets
from cvzmpi.scheduler.campaign import Control


class TicketList(Protocol):
    """The work on a unit, cut into tickets.

    The cut is the same for every team that works on it: a matrix product with other dimensions may
    round differently.
    """

    def __len__(self) -> int:
        """The number of tickets."""
        ...

    def place(self, ticket: int) -> Any:
        """The place of the items of a ticket in the datasets of the unit's file."""
        ...

    def n_items(self, n_tickets: int) -> int:
        """The number of items in the first `n_tickets` tickets."""
        ...


@dataclass(frozen=True)
class RowTickets:
    """Tickets of `rows_per_ticket` rows each; the last may have fewer."""

    n_rows: int
    rows_per_ticket: int

    def __len__(self) -> int:
        return -(-self.n_rows // self.rows_per_ticket)

    def place(self, ticket: int) -> slice:
        """The rows of a ticket."""
        return slice(self.n_items(ticket), self.n_items(ticket + 1))

    def n_items(self, n_tickets: int) -> int:
        """The number of rows in the first `n_tickets` tickets."""
        return min(n_tickets * self.rows_per_ticket, self.n_rows)


@dataclass(frozen=True)
class TaperedTickets:
    """Tickets of `most` rows each, and of fewer towards the end, down to `least`.

    Large ones save work, and the small ones in the end let the members of a team end nearly
    together: a ticket is at most an eighth of the rows that are left, but for the smallest. So the
    rows that are left after some tickets are cut as they were before.

    Attributes
    ----------
    first : int
        Rows before it are done, maybe in tickets that were cut otherwise.
    """

    first: int
    n_rows: int
    most: int
    least: int

    def __len__(self) -> int:
        return len(self._starts) - 1

    def place(self, ticket: int) -> slice:
        """The rows of a ticket."""
        return slice(self._starts[ticket], self._starts[ticket + 1])

    def n_items(self, n_tickets: int) -> int:
        """The number of rows that are done with the first `n_tickets` tickets."""
        return self._starts[n_tickets]

    @cached_property
    def _starts(self) -> list[int]:
        """The first row of each ticket, and the number of rows."""
        starts = [self.first]
        while (left := self.n_rows - starts[-1]) > 0:
            size = max(min(left // 8, self.most), self.least)
            starts.append(starts[-1] + min(size, left))
        return starts


def work_through(
    tickets: TicketList,
    n_done: int,
    work: Callable[[Any], None],
    commit: Callable[[int], None],
    *,
    writer: AbstractContextManager[Any],
    team: Team,
    control: Control,
    interval: float,
    steps_per_item: int = 1,
) -> None:
    """Do the tickets that are left, together with the rest of the team: collective.

    Parameters
    ----------
    n_done : int
        Tickets that are done, as the file says.
    work : callable
        Does the ticket at a place, and writes its rows; on the member that took it.
    commit : callable
        Makes the rows of all members durable, and then the count of tickets that are done, which it
        is given; collective.
    writer : context manager
        What `work` and `commit` write with, open on all members; it is closed in the end.
    control : Control
        Is told how many steps were done, and says when to stop.
    interval : float
        Seconds between checkpoints.
    steps_per_item : int
        For the progress display.

    Raises
    ------
    UnitStopped
        On all members, at a checkpoint.
    Exception
        What one member met; on the others, a `TeamMateError` that says so.
    """

    def take(numbers: Tickets) -> None:
        deadline = time.perf_counter() + interval
        for ticket in numbers:
            work(tickets.place(ticket))
            if time.perf_counter() > deadline or control.stop_requested():
                numbers.close()

    # An error that one member has for itself must not come to the file's end, which is collective.
    with writer, team.together():
        while n_done < len(tickets):
            control.check_stop(team)
            numbers = team.tickets(n_done, len(tickets))
            team.each(partial(take, numbers))
            before, n_done = n_done, numbers.taken()
            commit(n_done)
            if team.is_leader:
                n_items = tickets.n_items(n_done) - tickets.n_items(before)
                control.steps_done(n_items * steps_per_item)
