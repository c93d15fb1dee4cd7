"""The job: rank 0 hands units to the teams until there are none left.

A leader sends rank 0 how its last unit ended and gets the next one, or None. While it works it
sends how many steps were done. Rank 0 does no work of its own; with a single rank, everything
happens in that one process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from mpi4py import MPI

from cvzmpi.engine.campaign import Campaign, Outcome, Unit
from cvzmpi.engine.launch import World
from cvzmpi.engine.progress import ProgressDisplay
from cvzmpi.engine.schedule import Schedule
from cvzmpi.engine.team import Team
from cvzmpi.engine.worker import work_on
from cvzmpi.errors import CvzmpiError

_READY, _STEPS, _ASSIGNMENT = 1, 2, 3  # message tags

# Waiting for a message, MPI would keep the core of rank 0 busy. It is asked for messages, without
# a pause for so long after the last one, and then with pauses, between which the display is drawn.
_BUSY_SECONDS = 0.001
_PAUSE_SECONDS = 0.002


def run(
    campaign: Campaign, world: World, ranks_per_team: int, display: ProgressDisplay
) -> Schedule | None:
    """Work on all units of a campaign: collective.

    Parameters
    ----------
    campaign : Campaign
        The same on all ranks.
    world : World
    ranks_per_team : int
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
    team = world.form_team(ranks_per_team)
    if world.rank > 0:
        world.first(lambda: None)
        assert team is not None
        _serve(campaign, world.communicator, team)
        return None

    found: list[Schedule] = []

    def find_work() -> None:
        workload = campaign.find_work()
        found.append(Schedule(workload))
        display.begin(workload)

    world.first(find_work)
    schedule = found[0]
    with display:
        if team is not None:
            _run_alone(campaign, team, schedule, display)
        else:
            _dispatch(world.communicator, schedule, display)
    return schedule


def _run_alone(
    campaign: Campaign, team: Team, schedule: Schedule, display: ProgressDisplay
) -> None:
    campaign.prepare()
    while (unit := schedule.next()) is not None:
        display.assigned(unit)
        outcome = work_on(campaign, unit, team, display.steps_done)
        schedule.record(outcome)
        display.ended(outcome)


def _dispatch(communicator: MPI.Comm, schedule: Schedule, display: ProgressDisplay) -> None:
    """Rank 0: answer the leaders until each has been told that there is nothing left."""
    n_teams: int = communicator.allreduce(0)  # every leader counts itself
    status = MPI.Status()
    while n_teams:
        _wait_for_message(communicator, display.refresh)
        message = communicator.recv(source=MPI.ANY_SOURCE, tag=MPI.ANY_TAG, status=status)
        if status.Get_tag() == _STEPS:
            display.steps_done(message)
            continue
        if message is not None:
            schedule.record(message)
            display.ended(message)
        unit = schedule.next()
        communicator.send(unit, status.Get_source(), _ASSIGNMENT)
        if unit is None:
            n_teams -= 1
        else:
            display.assigned(unit)


def _wait_for_message(communicator: MPI.Comm, idle: Callable[[], Any]) -> None:
    busy_until = time.perf_counter() + _BUSY_SECONDS
    while not communicator.iprobe(MPI.ANY_SOURCE, MPI.ANY_TAG):
        if time.perf_counter() < busy_until:
            os.sched_yield()
        else:
            idle()
            time.sleep(_PAUSE_SECONDS)


def _serve(campaign: Campaign, communicator: MPI.Comm, team: Team) -> None:
    """The other ranks: work on what rank 0 assigns to their team."""
    communicator.allreduce(int(team.is_leader))
    try:
        campaign.prepare()
    except CvzmpiError as error:
        # Only this rank has it, and the others would wait for it: it has to end the job.
        raise RuntimeError(f"rank {communicator.Get_rank()} cannot work: {error}") from error
    outcome: Outcome | None = None

    def report(steps: int) -> None:
        communicator.send(steps, 0, _STEPS)

    def next_unit() -> Unit | None:
        communicator.send(outcome, 0, _READY)
        return communicator.recv(source=0, tag=_ASSIGNMENT)

    while (unit := team.lead(next_unit)) is not None:
        outcome = work_on(campaign, unit, team, report)
