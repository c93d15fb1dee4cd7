"""Campaigns that are played through with a clock of their own, to be looked at at any instant."""

import heapq
from dataclasses import dataclass

from cvzmpi.estimates.durations import Work
from cvzmpi.estimates.remaining import Teams, Waiting


@dataclass(frozen=True)
class Played:
    """A unit of a campaign that is over."""

    cost: float
    began: float
    ended: float
    jitter: float = 1.0


class SimulatedCampaign:
    """A campaign of units of known durations on so many teams.

    Parameters
    ----------
    units : sequence of (cost, seconds)
        In the order of work.
    """

    def __init__(self, units, n_teams, start_up=0.0):
        self.n_teams = n_teams
        self._units = units
        free = [start_up] * n_teams
        self.played = []
        for cost, seconds in units:
            began = heapq.heappop(free)
            heapq.heappush(free, began + seconds)
            self.played.append(Played(cost, began, began + seconds))
        self.end = max(unit.ended for unit in self.played)

    def seen_at(self, instant, with_steps=False, most=1000):
        """The arguments of `remaining_seconds` at an instant."""
        done = [
            Work(unit.cost, unit.began, unit.ended - unit.began)
            for unit in sorted(self.played, key=lambda unit: -unit.ended)
            if unit.ended <= instant
        ]
        at_work = [
            Work(
                unit.cost,
                unit.began,
                instant - unit.began,
                _fraction(unit, instant) if with_steps else None,
            )
            for unit in self.played
            if unit.began <= instant < unit.ended
        ]
        costs = [unit.cost for unit in self.played if unit.began > instant]
        waiting = Waiting(len(costs), sum(costs), sum(cost**2 for cost in costs))
        return done[:most], at_work, waiting, Teams(self.n_teams)


def _fraction(unit, instant):
    """Steps begin after the first tenth of the time that a unit takes."""
    done = (instant - unit.began) / (unit.ended - unit.began)
    return max(done - 0.1, 0.0) / 0.9
