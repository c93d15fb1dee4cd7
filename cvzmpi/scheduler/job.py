"""The job: rank 0 hands units to the teams until there are none left, or it is to stop.

A leader sends rank 0 how its last unit ended and gets the next one, or None. While it works it
sends how many steps were done, and rank 0 may send it a request to stop. Rank 0 does no work of its
own; with a single rank, everything happens in that one process.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec

from cvzmpi.errors import CvzmpiError
from cvzmpi.mpi.launch import World
from cvzmpi.mpi.library import mpi
from cvzmpi.mpi.mpi_files import remove_leftovers
from cvzmpi.mpi.stopping import JobStopped, StopRequest, job_end
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.bookkeeping import Bookkeeping, JobOutcome
from cvzmpi.scheduler.campaign import Campaign, Control, Outcome, Unit, UnitSource, Worker
from cvzmpi.scheduler.progress import ProgressDisplay
from cvzmpi.scheduler.worker import work_on

if TYPE_CHECKING:
    from cvzmpi.mpi.library import MPI

P = ParamSpec("P")

_READY, _STEPS, _ASSIGNMENT, _STOP = 1, 2, 3, 4  # message tags

# Waiting for a message, MPI would keep the core of rank 0 busy. It is asked for messages, without
# a pause for so long after the last one, and then with pauses that grow, between which other things
# are done. Each look costs some 0.2 ms, which the workers may want: often rank 0 has no core of its
# own. The longest pause is nothing to a light curve of seconds.
_BUSY_SECONDS = 0.001
_PAUSE_SECONDS = (0.001, 0.05)


def run(
    campaign: Campaign,
    world: World,
    display: ProgressDisplay,
    ranks_per_team: int = 1,
    drain_before_end: float = 120.0,
) -> JobOutcome | None:
    """Work on all units of a campaign, shown on rank 0: collective.

    Parameters
    ----------
    campaign : Campaign
        The same on all ranks.
    drain_before_end : float
        Seconds before the end of the job's time at which it begins to stop.

    Returns
    -------
    JobOutcome or None
        How everything ended, on rank 0.

    Raises
    ------
    CvzmpiError
        On all ranks, if the units cannot be found.
    JobStopped
        On all ranks, if rank 0 was asked to stop before they were found.
    """
    stop = world.stop
    stop.listen()
    remove_leftovers()
    team = world.form_team(ranks_per_team)
    if world.rank > 0:
        world.first(lambda: None)
        assert team is not None
        _serve(campaign, world.communicator, team, stop)
        return None

    source = _open_source(campaign, world)
    books = Bookkeeping(source, display, stop, _drain(stop, drain_before_end))
    with display, books:
        if team is not None:
            _run_alone(campaign, team, books)
        else:
            _Dispatcher(world.communicator, books).dispatch()
    return books.outcome


def _open_source(campaign: Campaign, world: World) -> UnitSource:
    """Find the units, on rank 0; the others wait for it. A signal ends it, wherever it is."""
    opened: list[UnitSource] = []

    def open_source() -> None:
        with world.stop.interrupting():
            opened.append(campaign.open_source())

    try:
        world.first(open_source)
    except JobStopped:
        for source in opened:  # the signal came when it was open already
            source.close(world.stop.reason)
        raise
    return opened[0]


def _drain(stop: StopRequest, seconds: float) -> Callable[[], None]:
    """Ask to stop so many seconds before the queue ends the job, whenever this is called."""
    end = job_end()
    # The system's clock may be set while the job runs; a monotonic one only goes on.
    begin_to_stop = None if end is None else time.monotonic() + end - time.time() - seconds

    def look_at_clock() -> None:
        if begin_to_stop is not None and time.monotonic() > begin_to_stop:
            stop.ask(f"less than {seconds:.0f} s of the job's time are left")

    return look_at_clock


def _run_alone(campaign: Campaign, team: Team, books: Bookkeeping) -> None:
    campaign.prepare()
    control = Control(books.stop, _not_the_units(books.steps_done), _not_the_units(books.attend))
    worker = Worker(0, socket.gethostname())
    while not control.stop_requested():
        unit = books.next()
        if unit is not None:
            books.began(unit, worker)
            books.ended(work_on(campaign, unit, team, control))
        elif books.is_closed():
            break
        else:
            time.sleep(_PAUSE_SECONDS[1])
    if books.stop.reason is not None:
        books.display.stopping(books.stop.reason)


class SchedulingDefect(BaseException):
    """A defect of rank 0's own part, in the midst of the work on a unit, which is not to blame."""


def _not_the_units(call: Callable[P, None]) -> Callable[P, None]:
    """Have what fails in a call not taken for a failure of the unit that is worked on."""

    def guarded(*given: P.args, **named: P.kwargs) -> None:
        try:
            call(*given, **named)
        except Exception as error:
            raise SchedulingDefect(f"{type(error).__name__}: {error}") from error

    return guarded


class _Dispatcher:
    """Rank 0 of many: answers the leaders until each has been told that there is nothing left."""

    def __init__(self, communicator: MPI.Comm, books: Bookkeeping) -> None:
        self._communicator = communicator
        self._mpi = mpi()
        self._books = books
        self._stopping = False
        self._hosts: list[str] = []  # by rank
        self._n_teams = 0  # that have not been told to go
        self._working: set[int] = set()  # leaders, by rank
        self._idle: list[int] = []  # leaders that wait for a unit

    def dispatch(self) -> None:
        announced = self._communicator.gather((0, socket.gethostname()))
        assert announced is not None, "rank 0 has it"
        self._hosts = [host for _, host in announced]
        self._n_teams = sum(n_leaders for n_leaders, _ in announced)
        while self._wait_for_message():
            self._receive()
            self._attend()

    def _receive(self) -> None:
        """Take the message that is there."""
        status = self._mpi.Status()
        anybody = {"source": self._mpi.ANY_SOURCE, "tag": self._mpi.ANY_TAG}
        message = self._communicator.recv(**anybody, status=status)
        leader = status.Get_source()
        if status.Get_tag() == _STEPS:
            self._books.steps_done(message, leader)
        elif status.Get_tag() == _STOP:
            self._books.stop.ask(message)
        else:
            self._working.discard(leader)
            if message is not None:
                self._books.ended(message)
            self._idle.append(leader)

    def _serve_idle(self) -> None:
        """Give the leaders that wait a unit; send them home when there will be none."""
        self._pass_on_stop()
        while self._idle and (unit := self._books.next()) is not None:
            leader = self._idle.pop(0)
            self._communicator.send(unit, leader, _ASSIGNMENT)
            self._working.add(leader)
            self._books.began(unit, Worker(leader, self._hosts[leader]))
        if self._idle and self._books.is_closed():
            for leader in self._idle:
                self._communicator.send(None, leader, _ASSIGNMENT)
            self._n_teams -= len(self._idle)
            self._idle.clear()

    def _pass_on_stop(self) -> None:
        """Tell the leaders that work, once, that they are to stop."""
        reason = self._books.stop.reason
        if reason is not None and not self._stopping:
            self._stopping = True
            self._books.display.stopping(reason)
            for leader in self._working:
                self._communicator.send(reason, leader, _STOP)

    def _attend(self) -> None:
        self._books.attend()
        self._serve_idle()

    def _wait_for_message(self) -> bool:
        """Do other things until there is a message; False when all teams are gone."""
        busy_until = time.perf_counter() + _BUSY_SECONDS
        pause, longest_pause = _PAUSE_SECONDS
        while self._n_teams:
            if self._communicator.iprobe(self._mpi.ANY_SOURCE, self._mpi.ANY_TAG):
                return True
            if time.perf_counter() < busy_until:
                os.sched_yield()
            else:
                self._attend()
                time.sleep(pause)
                pause = min(2 * pause, longest_pause)
        return False


def _serve(campaign: Campaign, communicator: MPI.Comm, team: Team, stop: StopRequest) -> None:
    """The other ranks: work on what rank 0 assigns to their team."""
    communicator.gather((int(team.is_leader), socket.gethostname()))
    try:
        campaign.prepare()
    except CvzmpiError as error:
        # Only this rank has it: the others would wait for it for ever.
        raise RuntimeError(f"rank {communicator.Get_rank()} cannot work: {error}") from error
    outcome: Outcome | None = None

    def steps_done(steps: int) -> None:
        communicator.send(steps, 0, _STEPS)

    def listen() -> None:
        while communicator.iprobe(0, _STOP):
            stop.ask(communicator.recv(source=0, tag=_STOP))

    def next_unit() -> Unit | None:
        if stop and outcome is not None and outcome.unfinished:
            communicator.send(stop.reason, 0, _STOP)  # the signal may have reached this rank only
        communicator.send(outcome, 0, _READY)
        unit: Unit | None = communicator.recv(source=0, tag=_ASSIGNMENT)
        listen()  # a request that crossed our message must not be left behind
        return unit

    control = Control(stop, steps_done, listen if team.is_leader else None)
    while (unit := team.lead(next_unit)) is not None:
        outcome = work_on(campaign, unit, team, control)
