"""The job: rank 0 hands units to the teams until there are none left, or it is to stop.

A leader sends rank 0 how its last unit ended and gets the next one, or None. While it works it
sends how many steps were done, and rank 0 may send it a request to stop. Rank 0 does no work of its
own; with a single rank, everything happens in that one process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from mpi4py import MPI

from cvzmpi.engine.campaign import Campaign, Outcome, Unit
from cvzmpi.engine.control import Control
from cvzmpi.engine.launch import World
from cvzmpi.engine.leftovers import remove_leftovers
from cvzmpi.engine.progress import ProgressDisplay
from cvzmpi.engine.schedule import Schedule
from cvzmpi.engine.stopping import StopRequest, job_end
from cvzmpi.engine.team import Team
from cvzmpi.engine.worker import work_on
from cvzmpi.errors import CvzmpiError

_READY, _STEPS, _ASSIGNMENT, _STOP = 1, 2, 3, 4  # message tags

# Waiting for a message, MPI would keep the core of rank 0 busy. It is asked for messages, without
# a pause for so long after the last one, and then with pauses that grow, between which other things
# are done. Each look costs some 0.2 ms, which the workers may want: often rank 0 has no core of its
# own. The longest pause is nothing to a light curve of seconds.
_BUSY_SECONDS = 0.001
_PAUSE_SECONDS = (0.001, 0.05)


@dataclass(frozen=True)
class JobLimits:
    """What a job may do to itself.

    Attributes
    ----------
    ranks_per_team : int
    max_attempts : int
        So many jobs may die over a unit before it is given up.
    drain_before_end : float
        Seconds before the end of the job's time at which it begins to stop.
    """

    ranks_per_team: int = 1
    max_attempts: int = 5
    drain_before_end: float = 120.0


def run(
    campaign: Campaign, world: World, limits: JobLimits, display: ProgressDisplay
) -> Schedule | None:
    """Work on all units of a campaign: collective.

    Parameters
    ----------
    campaign : Campaign
        The same on all ranks.
    world : World
    limits : JobLimits
    display : ProgressDisplay
        Used on rank 0 only.

    Returns
    -------
    Schedule or None
        How everything ended, on rank 0.

    Raises
    ------
    CvzmpiError
        On all ranks, if the units cannot be found.
    """
    stop = StopRequest()
    stop.listen()
    remove_leftovers()
    team = world.form_team(limits.ranks_per_team)
    if world.rank > 0:
        world.first(lambda: None)
        assert team is not None
        _serve(campaign, world.communicator, team, limits, stop)
        return None

    found: list[Schedule] = []

    def find_work() -> None:
        workload = campaign.find_work()
        display.begin(workload)
        found.append(Schedule(workload))

    world.first(find_work)
    schedule = found[0]
    look_at_clock = _drain(stop, limits.drain_before_end)
    with display:
        if team is not None:
            _run_alone(campaign, team, limits, schedule, display, stop, look_at_clock)
        else:
            _Dispatcher(world.communicator, schedule, display, stop, look_at_clock).dispatch()
    return schedule


def _drain(stop: StopRequest, seconds: float) -> Callable[[], None]:
    """Ask to stop so many seconds before the queue ends the job, whenever this is called."""
    end = job_end()
    # The system's clock may be set while the job runs; a monotonic one only goes on.
    begin_to_stop = None if end is None else time.monotonic() + end - time.time() - seconds

    def look_at_clock() -> None:
        if begin_to_stop is not None and time.monotonic() > begin_to_stop:
            stop.ask(f"less than {seconds:.0f} s of the job's time are left")

    return look_at_clock


def _run_alone(
    campaign: Campaign,
    team: Team,
    limits: JobLimits,
    schedule: Schedule,
    display: ProgressDisplay,
    stop: StopRequest,
    look_at_clock: Callable[[], None],
) -> None:
    campaign.prepare()
    control = Control(stop, display.steps_done, look_at_clock)
    while not control.stop_requested() and (unit := schedule.next()) is not None:
        display.assigned(unit)
        outcome = work_on(campaign, unit, team, control, limits.max_attempts)
        schedule.record(outcome)
        display.ended(outcome)
    if stop.reason is not None:
        display.stopping(stop.reason)


class _Dispatcher:
    """Rank 0 of many: answers the leaders until each has been told that there is nothing left."""

    def __init__(
        self,
        communicator: MPI.Comm,
        schedule: Schedule,
        display: ProgressDisplay,
        stop: StopRequest,
        look_at_clock: Callable[[], None],
    ) -> None:
        self._communicator = communicator
        self._schedule = schedule
        self._display = display
        self._stop = stop
        self._look_at_clock = look_at_clock
        self._stopping = False
        self._working: set[int] = set()  # leaders, by rank

    def dispatch(self) -> None:
        n_teams: int = self._communicator.allreduce(0)  # every leader counts itself
        status = MPI.Status()
        while n_teams:
            self._wait_for_message()
            message = self._communicator.recv(source=MPI.ANY_SOURCE, tag=MPI.ANY_TAG, status=status)
            leader = status.Get_source()
            if status.Get_tag() == _STEPS:
                self._display.steps_done(message)
            elif status.Get_tag() == _STOP:
                self._stop.ask(message)
            else:
                self._working.discard(leader)
                self._record(message)
                n_teams -= not self._assign(leader)

    def _record(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._schedule.record(outcome)
            self._display.ended(outcome)

    def _assign(self, leader: int) -> bool:
        """Give a leader its next unit; False if there is none."""
        self._pass_on_stop()
        unit = None if self._stop else self._schedule.next()
        self._communicator.send(unit, leader, _ASSIGNMENT)
        if unit is None:
            return False
        self._working.add(leader)
        self._display.assigned(unit)
        return True

    def _pass_on_stop(self) -> None:
        """Tell the leaders that work, once, that they are to stop."""
        if self._stop and not self._stopping:
            self._stopping = True
            self._display.stopping(self._stop.reason or "")
            for leader in self._working:
                self._communicator.send(self._stop.reason, leader, _STOP)

    def _wait_for_message(self) -> None:
        busy_until = time.perf_counter() + _BUSY_SECONDS
        pause, longest_pause = _PAUSE_SECONDS
        while not self._communicator.iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG):
            if time.perf_counter() < busy_until:
                os.sched_yield()
            else:
                self._look_at_clock()
                self._pass_on_stop()
                self._display.refresh()
                time.sleep(pause)
                pause = min(2 * pause, longest_pause)


def _serve(
    campaign: Campaign, communicator: MPI.Comm, team: Team, limits: JobLimits, stop: StopRequest
) -> None:
    """The other ranks: work on what rank 0 assigns to their team."""
    communicator.allreduce(int(team.is_leader))
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
        outcome = work_on(campaign, unit, team, control, limits.max_attempts)
