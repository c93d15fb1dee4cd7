"""A team: what its leader does alone, how its members agree, and what they share."""

import os
import socket
import time
from itertools import chain

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.errors import CvzmpiError, LightCurveError
from cvzmpi.mpi.team import Team, TeamMateError
from tests.mpi_marks import mpi, one_or_all


@pytest.fixture(scope="module")
def team():
    """All ranks as one team; without MPI's launcher, a team of one."""
    return Team(MPI.COMM_WORLD.Dup(), name="rank 7")


# ----------------------------------------------------------------- lead


@one_or_all
def test_what_the_leader_did_alone_all_ranks_get(team, kind):
    calls = []

    def work():
        calls.append(team.rank)
        return {"rows": np.arange(5), "rank": team.rank}

    result = team.lead(work)
    assert result["rank"] == 0
    assert result["rows"].tolist() == [0, 1, 2, 3, 4]
    assert calls == ([0] if team.is_leader else [])


@one_or_all
def test_what_the_leader_raises_all_ranks_raise(team, kind):
    error = LightCurveError("no such star")

    def work():
        raise error

    with pytest.raises(CvzmpiError) as caught:
        team.lead(work)
    if team.is_leader:
        assert caught.value is error
    else:
        host = socket.gethostname()
        assert isinstance(caught.value, TeamMateError)
        assert str(caught.value) == f"LightCurveError: no such star (rank 7, member 0 on {host})"
    assert team.lead(lambda: "goes on") == "goes on"


# ----------------------------------------------------------------- agree


@one_or_all
def test_a_team_without_errors_agrees(team, kind):
    assert team.agree() is None
    assert team.agree(None) is None


@mpi
def test_nobody_goes_on_before_all_agree(team, tmp_path):
    came_last = team.lead(lambda: tmp_path / "came last")
    if team.rank == team.size - 1:
        time.sleep(0.3)
        came_last.touch()
    team.agree()
    assert came_last.exists()


def test_a_team_of_one_raises_its_own_error():
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        Team(MPI.COMM_SELF).agree(error)
    assert caught.value is error


@mpi
def test_an_error_of_any_rank_all_raise_with_its_rank_host_and_reason(team):
    for bad in range(team.size):
        error = ValueError(f"value of {bad}") if team.rank == bad else None
        with pytest.raises(Exception, match=f"value of {bad}") as caught:
            team.agree(error)
        if team.rank == bad:
            assert caught.value is error
        else:
            assert isinstance(caught.value, TeamMateError)
            assert f"ValueError: value of {bad} (" in str(caught.value)
            assert f"member {bad} on {socket.gethostname()}" in str(caught.value)


@mpi
def test_of_several_errors_each_rank_raises_its_own(team):
    error = ValueError(f"value of {team.rank}")
    with pytest.raises(ValueError, match=f"value of {team.rank}"):
        team.agree(error)


# ----------------------------------------------------------------- each, together


@one_or_all
def test_what_each_rank_did_it_gets_itself(team, kind):
    assert team.each(lambda: team.rank + 5) == team.rank + 5


@mpi
def test_what_one_rank_raised_all_ranks_raise(team):
    bad = team.size - 1

    def work():
        if team.rank == bad:
            raise MemoryError("of this node")

    with pytest.raises((MemoryError, TeamMateError), match="of this node") as caught:
        team.each(work)
    assert isinstance(caught.value, MemoryError) == (team.rank == bad)
    assert team.each(lambda: "goes on") == "goes on"


@one_or_all
def test_an_error_that_all_ranks_have_leaves_what_they_do_together(team, kind):
    def of_the_leader():
        raise LightCurveError("no such star")

    for fail in (
        lambda: team.lead(of_the_leader),
        lambda: team.each(of_the_leader),
        lambda: team.agree(LightCurveError("no such star")),
        lambda: team.raise_on_all(LightCurveError("no such star")),
    ):
        with pytest.raises(CvzmpiError, match="no such star"), team.together():
            fail()


def test_alone_any_error_leaves_what_is_done_together():
    with pytest.raises(MemoryError), Team(MPI.COMM_SELF).together():
        raise MemoryError


# An error that one rank alone has: test_job.py, since it ends the job.


# ----------------------------------------------------------------- tickets


def together(team, numbers):
    """The numbers of all members, sorted."""
    return sorted(chain.from_iterable(team.communicator.allgather(numbers)))


@one_or_all
@pytest.mark.parametrize(("first", "last"), [(0, 100), (37, 41), (5, 6), (3, 3)])
def test_each_ticket_is_given_out_exactly_once(team, kind, first, last):
    for _ in range(3):  # each time a new set
        tickets = team.tickets(first, last)
        mine = list(tickets)
        assert mine == sorted(mine)
        assert together(team, mine) == list(range(first, last))
        assert tickets.taken() == last


@one_or_all
def test_taken_is_the_first_number_that_nobody_took(team, kind):
    tickets = team.tickets(10, 1000)
    mine = []
    for ticket in tickets:
        mine.append(ticket)
        if len(mine) == 3 + team.rank:
            break
    everybody = together(team, mine)
    assert len(everybody) == sum(3 + rank for rank in range(team.size))
    assert everybody == list(range(10, 10 + len(everybody)))
    assert tickets.taken() == 10 + len(everybody)
    assert tickets.taken() == 10 + len(everybody), "asking changes nothing"


@one_or_all
def test_nothing_is_taken_before_somebody_takes(team, kind):
    assert team.tickets(4, 9).taken() == 4


@mpi
def test_a_slow_rank_takes_fewer_tickets(team):
    mine = 0
    for _ in team.tickets(0, 60):
        mine += 1
        time.sleep(0.1 if team.rank == 0 else 0.005)
    counts = team.communicator.allgather(mine)
    assert sum(counts) == 60
    assert counts[0] < min(counts[1:])


# ----------------------------------------------------------------- shared memory


@one_or_all
def test_what_one_rank_writes_into_a_shared_array_all_read(team, kind):
    with team.shared_array((team.size, 1000), np.float32) as array:
        assert array.shape == (team.size, 1000)
        assert array.dtype == np.float32
        array[team.rank] = team.rank + 1
        team.agree()
        expected = np.repeat(np.arange(team.size) + 1.0, 1000).reshape(team.size, 1000)
        np.testing.assert_array_equal(array, expected)
        team.agree()


@one_or_all
def test_shared_arrays_are_freed_also_after_an_error(team, kind):
    def fail():
        with team.shared_array((512, 1024), np.float64) as array:
            array[team.rank] = 1
            team.raise_on_all(LightCurveError())

    def use(n):
        for _ in range(n):
            with pytest.raises(LightCurveError):
                fail()

    use(5)
    team.agree()
    before = used()
    use(60)  # 4 MB each
    team.agree()
    after = used()
    assert after["files"] <= before["files"]
    assert after["mappings"] <= before["mappings"] + 3
    assert after["megabytes"] < before["megabytes"] + 40


def used():
    """What a leak of shared memory would make grow."""
    with open("/proc/self/statm") as statm:
        megabytes = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    with open("/proc/self/maps") as maps:
        mappings = sum(1 for _ in maps)
    return {
        "files": len(os.listdir("/proc/self/fd")),
        "mappings": mappings,
        "megabytes": megabytes,
    }
