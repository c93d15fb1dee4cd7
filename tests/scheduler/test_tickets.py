"""A team works through tickets: a beginning of them is done, and counted after its rows."""

from contextlib import nullcontext

import pytest
from mpi4py import MPI

from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team, TeamMateError
from cvzmpi.scheduler.campaign import Control, UnitStopped
from cvzmpi.scheduler.tickets import RowTickets, TaperedTickets, work_through
from tests.mpi_marks import one_or_all


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


class Work:
    """Remembers the places that this rank was given, and the counts."""

    def __init__(self, team, tickets, interval=0.0, steps_per_item=1):
        self.team, self.tickets = team, tickets
        self.how = {"interval": interval, "steps_per_item": steps_per_item}
        self.stop, self.steps, self.counts, self.places = StopRequest(), [], [], []

    def work(self, place):
        if not self.places:
            self.team.communicator.Barrier()  # every member takes at least one
        self.places.append(place)

    def commit(self, n_done):
        """Every ticket below the count is done, by some rank."""
        done = [s for places in self.team.communicator.allgather(self.places) for s in places]
        assert sorted(row for s in done for row in range(s.start, s.stop)) == list(
            range(self.first, self.tickets.n_items(n_done))
        )
        self.counts.append(n_done)

    def go_on(self, n_done=0):
        self.first = self.tickets.n_items(n_done)
        control = Control(self.stop, self.steps.append)
        how = self.how | {"writer": nullcontext(), "team": self.team, "control": control}
        work_through(self.tickets, n_done, self.work, self.commit, **how)
        return self


@pytest.mark.parametrize(("n_rows", "n_tickets"), [(0, 0), (1, 1), (40, 1), (41, 2), (120, 3)])
def test_tickets_cover_every_row_once(n_rows, n_tickets):
    tickets = RowTickets(n_rows, 40)
    assert len(tickets) == n_tickets
    rows = [row for n in range(n_tickets) for row in range(n_rows)[tickets.place(n)]]
    assert rows == list(range(n_rows))
    assert tickets.n_items(n_tickets) == n_rows


@pytest.mark.parametrize("n_rows", [0, 1, 19, 20, 21, 85, 640, 2000, 12345])
def test_tapered_tickets_cover_every_row_once_and_get_smaller_towards_the_end(n_rows):
    tickets = TaperedTickets(0, n_rows, most=160, least=20)
    rows = [row for n in range(len(tickets)) for row in range(n_rows)[tickets.place(n)]]
    assert rows == list(range(n_rows))
    sizes = [len(range(n_rows)[tickets.place(n)]) for n in range(len(tickets))]
    assert sizes == sorted(sizes, reverse=True)
    for number, size in enumerate(sizes[:-1]):
        assert 20 <= size <= max(20, min(160, (n_rows - tickets.n_items(number)) / 8))
    assert n_rows < 2000 or sizes[0] == 160


@pytest.mark.parametrize(("n_members", "most"), [(2, 1010), (4, 510), (8, 260), (16, 165)])
def test_the_member_with_most_rows_has_little_more_than_its_share(n_members, most):
    tickets = TaperedTickets(0, 2000, most=160, least=20)
    rows = [0] * n_members
    for number in range(len(tickets)):  # who is ready first, takes the next
        place = tickets.place(number)
        rows[rows.index(min(rows))] += place.stop - place.start
    assert max(rows) <= most


@pytest.mark.parametrize("n_rows", [85, 640, 2000])
def test_what_is_left_after_some_tapered_tickets_is_cut_as_before(n_rows):
    tickets = TaperedTickets(0, n_rows, most=160, least=20)
    places = [tickets.place(n) for n in range(len(tickets))]
    for n_done in range(len(tickets) + 1):
        left = TaperedTickets(tickets.n_items(n_done), n_rows, most=160, least=20)
        assert [left.place(n) for n in range(len(left))] == places[n_done:]


def test_tapered_tickets_begin_where_others_that_were_cut_otherwise_ended():
    tickets = TaperedTickets(40, 120, most=160, least=20)
    assert [tickets.place(n) for n in range(len(tickets))] == [
        slice(40, 60),
        slice(60, 80),
        slice(80, 100),
        slice(100, 120),
    ]
    assert tickets.n_items(0) == 40


@one_or_all
@pytest.mark.parametrize("interval", [0.0, 1e9])
def test_every_ticket_is_done_once_and_counted_after_its_rows(team, kind, interval):
    work = Work(team, RowTickets(95, 10), interval, steps_per_item=3).go_on()
    assert work.counts[-1] == 10
    assert work.counts == sorted(set(work.counts))
    assert (len(work.counts) == 1) == (interval > 0)
    assert sum(work.steps) == (3 * 95 if team.is_leader else 0)


@one_or_all
def test_it_goes_on_from_what_is_counted(team, kind):
    work = Work(team, RowTickets(95, 10), interval=1e9).go_on(n_done=4)
    assert sum(work.steps) == (55 if team.is_leader else 0)
    assert work.go_on(n_done=10).counts == [10], "nothing is left, nothing is written"


class OfTheLast(Work):
    """Something happens when the last member has done its first ticket."""

    def __init__(self, happens, *given, **more):
        super().__init__(*given, **more)
        self.happens = happens

    def work(self, place):
        super().work(place)
        if self.team.rank == self.team.size - 1:
            self.happens(self)


@one_or_all
def test_asked_to_stop_it_counts_what_is_done_and_stops(team, kind):
    tickets = RowTickets(10**9, 1)  # more than anybody takes meanwhile
    work = OfTheLast(lambda work: work.stop.ask("a test"), team, tickets, interval=1e9)
    with pytest.raises(UnitStopped):
        work.go_on()
    (n_done,) = work.counts
    assert team.size <= n_done < 10**9


@one_or_all
def test_an_error_of_one_member_is_raised_by_all_and_nothing_is_counted(team, kind):
    work = OfTheLast(lambda work: 1 / 0, team, RowTickets(1000, 1))
    with pytest.raises((ZeroDivisionError, TeamMateError), match="division by zero"):
        work.go_on()
    assert work.counts == []
