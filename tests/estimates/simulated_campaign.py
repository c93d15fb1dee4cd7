"""Campaigns that are played through with a clock of their own, to be looked at at any instant."""

import heapq
import math
from dataclasses import dataclass, field

from cvzmpi.estimates.durations import Work
from cvzmpi.estimates.remaining import Teams, Waiting

_BEFORE_STEPS = 0.1  # of a unit's time that goes by before its first step


@dataclass(frozen=True)
class Kills:
    """The job is killed again and again, and the next one goes on where it was.

    Parameters
    ----------
    every : float
        Seconds from the begin of a job to its end.
    lost : float
        Seconds of each team's work that are done again: those since the last checkpoint.
    away : float
        Seconds until the next job has its first units.
    """

    every: float = math.inf
    lost: float = 0.0
    away: float = 0.0

    def next_after(self, instant):
        """When the job that works at an instant is killed."""
        if math.isinf(self.every):
            return math.inf
        return (instant // (self.every + self.away)) * (self.every + self.away) + self.every


@dataclass(frozen=True)
class Attempt:
    """A job's work on a unit; `part` of the unit was left when it began."""

    began: float
    ended: float
    part: float


@dataclass(frozen=True)
class Played:
    """A unit of a campaign that is over."""

    cost: float
    arrived: float
    attempts: list = field(default_factory=list)

    @property
    def began(self):
        return self.attempts[0].began

    @property
    def ended(self):
        return self.attempts[-1].ended


class SimulatedCampaign:
    """A campaign of units of known durations on so many teams.

    Parameters
    ----------
    units : sequence of (cost, seconds) or (cost, seconds, arrived)
        In the order of work.
    speeds : sequence of float, optional
        Of the teams in turn.
    kills : Kills
    """

    def __init__(self, units, n_teams, speeds=(1.0,), kills=Kills()):
        self.n_teams = n_teams
        self._kills = kills
        free = [(0.0, team) for team in range(n_teams)]
        self.played = []
        for cost, seconds, *arrived in units:
            instant, team = heapq.heappop(free)
            unit = Played(cost, *(arrived or [0.0]))
            self._play(
                unit, max(instant, unit.arrived), seconds / speeds[team % len(speeds)], kills
            )
            heapq.heappush(free, (unit.ended, team))
            self.played.append(unit)
        self.end = max(unit.ended for unit in self.played)

    @staticmethod
    def _play(unit, instant, seconds, kills):
        left = seconds
        while True:
            killed = kills.next_after(instant)
            if killed <= instant:  # the next job has not begun
                instant = killed + kills.away
                continue
            ended = min(instant + left, killed)
            unit.attempts.append(Attempt(instant, ended, left / seconds))
            if instant + left <= killed:
                return
            left = min(left, left - (killed - instant) + kills.lost)
            instant = killed + kills.away

    def left_at(self, instant):
        """The seconds until the units are done that have arrived, without those between jobs."""
        end = max(unit.ended for unit in self.played if unit.arrived <= instant)
        left = end - instant
        while (killed := self._kills.next_after(instant)) < end:
            left -= self._kills.away
            instant = killed + self._kills.away
        return left

    def seen_at(self, instant, with_steps=False, most=1000):
        """The arguments of `remaining_seconds` at an instant."""
        ended = sorted(
            (unit for unit in self.played if unit.ended <= instant), key=lambda unit: -unit.ended
        )
        done = [
            Work(unit.cost, last.began, last.ended - last.began, part=last.part)
            for unit, last in ((unit, unit.attempts[-1]) for unit in ended)
        ]
        at_work = [
            Work(
                unit.cost,
                attempt.began,
                instant - attempt.began,
                _fraction(attempt, instant) if with_steps else None,
                attempt.part,
            )
            for unit in self.played
            for attempt in unit.attempts
            if attempt.began <= instant < attempt.ended
        ]
        costs = [unit.cost for unit in self.played if unit.arrived <= instant < unit.began]
        waiting = Waiting(len(costs), sum(costs), sum(cost**2 for cost in costs))
        return done[:most], at_work, waiting, Teams(self.n_teams)


def _fraction(attempt, instant):
    """The fraction of the attempt's steps that is done."""
    done = (instant - attempt.began) / (attempt.ended - attempt.began)
    before = _BEFORE_STEPS if attempt.part == 1.0 else 0.0
    return max(done - before, 0.0) / (1 - before)
