"""The work on one unit, as every rank of a team does it."""

from __future__ import annotations

import socket
import time
import traceback
from dataclasses import replace

from cvzmpi.errors import CvzmpiError, defect_line, one_line
from cvzmpi.mpi.machine_fault import is_machine_fault, is_put_off
from cvzmpi.mpi.team import Team, TeamMateError
from cvzmpi.scheduler.campaign import Campaign, Control, Outcome, Unit, UnitStopped
from cvzmpi.storage.file_lock import FileLock, describe_holder


def work_on(campaign: Campaign, unit: Unit, team: Team, control: Control) -> Outcome:
    """Work on a unit; whatever it raises becomes its outcome, and costs this unit only."""
    start = time.perf_counter()
    locks: list[FileLock] = []  # the leader's
    try:
        held = team.lead(lambda: _lock(campaign, unit, locks))
        if held is not None:
            return Outcome(unit.name, unfinished=held)
        with team.together():
            result = campaign.work(unit, team, control)
    except UnitStopped:
        progress = campaign.progress(unit) if team.is_leader else None
        outcome = Outcome(unit.name, unfinished="stopped", progress=progress)
    except Exception as error:
        outcome = _failed_or_put_off(unit, error, team, locks)
    else:
        outcome = Outcome(unit.name, result=result)
    for lock in locks:
        lock.release()
    return replace(outcome, seconds=time.perf_counter() - start)


def _failed_or_put_off(unit: Unit, error: Exception, team: Team, locks: list[FileLock]) -> Outcome:
    """The outcome of work that raised an error: put off where the unit is not at fault."""
    message = _one_line(error, team)
    place_is_gone = any(not lock.is_there() for lock in locks)
    if place_is_gone or is_put_off(error):
        fault = place_is_gone or is_machine_fault(error)
        return Outcome(unit.name, unfinished=message, machine_fault=fault)
    trace = None if isinstance(error, CvzmpiError) else traceback.format_exc()
    return Outcome(unit.name, error=message, traceback=trace)


def _lock(campaign: Campaign, unit: Unit, locks: list[FileLock]) -> str | None:
    """Lock the unit for this team; where another process has it, which."""
    file = campaign.lock_file(unit)
    lock = FileLock.take(file)
    if lock is None:
        return f"{file} is held by {describe_holder(file)}, which works on it"
    locks.append(lock)
    return None


def _one_line(error: Exception, team: Team) -> str:
    """One line for an error, with the rank; a defect is named with its type and line."""
    message = one_line(error) if isinstance(error, CvzmpiError) else defect_line(error)
    if isinstance(error, TeamMateError):
        return message
    return f"{message} ({team.name} on {socket.gethostname()})"
