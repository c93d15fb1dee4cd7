"""The protocols between the engine and a campaign, and the messages between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team


class UnitStopped(Exception):  # noqa: N818 - not an error: the unit goes on in the next job
    """The work on a unit stopped at a checkpoint, since the job was asked to stop."""


class Control:
    """The line from a team to rank 0, on each rank of the team.

    Parameters
    ----------
    steps_done : callable
        Takes the number of steps (for `cvz`, injections) done since the last time; called on the
        leader only.
    listen : callable, optional
        Looks whether rank 0 sent a request to stop, and passes it to `stop`; on the leader only.
    """

    def __init__(
        self,
        stop: StopRequest,
        steps_done: Callable[[int], None],
        listen: Callable[[], None] | None = None,
    ) -> None:
        self._stop = stop
        self._listen = listen
        self.steps_done = steps_done

    def stop_requested(self) -> bool:
        """Tell whether this rank knows that the job is to stop; cheap, not collective."""
        if self._listen is not None:
            self._listen()
        return bool(self._stop)

    def check_stop(self, team: Team) -> None:
        """Stop if any rank of the team knows that it is to: collective.

        Raises
        ------
        UnitStopped
            On all ranks.
        """
        if team.any(self.stop_requested()):
            self._stop.ask("another rank of the team was asked to stop")
            team.raise_on_all(UnitStopped())


@dataclass(frozen=True)
class Unit:
    """A piece of work for a team."""

    name: str  # unique in the campaign; for `cvz`, `{tic}_{sector}`
    cost: float  # expected work, in any measure that all units share
    begun: bool = False  # whether an earlier job left it half done
    content: Any = None  # what the campaign's `work` needs to know; must pickle
    steps: int = 0  # that are left; 0 where that is not known
    part: float = 1.0  # of the work that `cost` stands for, the part that is left


@dataclass(frozen=True)
class Outcome:
    """The end of the work on a unit."""

    unit: str
    error: str | None = None  # one line that says why it failed; None where it succeeded
    # why it is not done, though it did not fail: the job was asked to stop, or another job has the
    # unit
    unfinished: str | None = None
    seconds: float = 0.0
    # how far an unfinished unit is now, in the measure of `Campaign.progress`; None where that is
    # not known
    progress: int | None = None
    result: dict[str, Any] = field(default_factory=dict)  # what the campaign's `work` returned
    traceback: str | None = None  # of a defect, for the log
    # whether it is unfinished by a fault of the machine, which others will meet as well
    machine_fault: bool = False


@dataclass(frozen=True)
class Worker:
    """The leader of a team, as rank 0 knows it."""

    rank: int
    host: str


@dataclass(frozen=True)
class Overview:
    """The work that there is when a job begins."""

    n_open: int  # units to be worked on
    n_begun: int = 0  # how many of them an earlier job left half done
    n_done: int = 0  # units that are done already
    rejected: Sequence[Outcome] = ()  # what could not become a unit; counted as failed
    steps_per_unit: int = 0  # where a unit does not say its own
    # sums over the open units of their costs and of the squares; 0 where they are not known
    cost: float = 0.0
    cost_squared: float = 0.0


@dataclass(frozen=True)
class Remainder:
    """The work that is left when a job ends, also by what other jobs did meanwhile."""

    n_open: int  # units that are not finished
    failed: Sequence[Outcome] = ()  # all units that failed
    with_others: Sequence[Outcome] = ()  # those of the open units that other jobs have


class UnitSource(Protocol):
    """Gives rank 0 the units, and is told how they end.

    Used on rank 0 only, between messages of the teams: each call must be short. A source that
    inherits from this class has only the first three methods to write.
    """

    def overview(self) -> Overview:
        """Say what there is to do; called once, first."""
        ...

    def next(self) -> Unit | None:
        """A unit to be worked on now; None where none is ready."""
        ...

    def exhausted(self) -> bool:
        """Tell whether no unit will become ready any more."""
        ...

    def began(self, unit: Unit, worker: Worker) -> None:
        """A team was given the unit."""
        return  # a body, so that it may be inherited

    def ended(self, outcome: Outcome) -> None:
        """A team's work on a unit ended."""
        return

    def steps_done(self, steps: int) -> None:
        """A team did some steps of its unit."""
        return

    def attend(self) -> Sequence[Outcome]:
        """See to what happens beside the teams; called many times a second.

        Returns
        -------
        sequence of Outcome
            How units ended that no team was given.
        """
        return ()

    def status(self) -> str:
        """A few words for the progress display, or none."""
        return ""

    def ranks_of_others(self) -> int:
        """The ranks of other jobs that work on the same units."""
        return 0

    def close(self, stopped: str | None) -> Remainder | None:
        """The job ends; `stopped` says why it was asked to, None where it was not.

        What teams were given and did not end is given back.

        Returns
        -------
        Remainder or None
            None where nobody else works on the units, so that the outcomes say it all, and where
            it cannot be known.
        """
        return None


class Campaign(Protocol):
    """A kind of observation that the engine can work on. Must pickle: every rank gets a copy."""

    step_name: str
    """What a step of a unit is called."""

    def open_source(self) -> UnitSource:
        """Find the units. Only rank 0 is asked."""
        ...

    def prepare(self) -> None:
        """Get a worker rank ready, once, before its first unit."""
        ...

    def lock_file(self, unit: Unit) -> Path:
        """The file that a team keeps locked while it works on a unit; gone when none does."""
        ...

    def progress(self, unit: Unit) -> int:
        """Measure how far a unit is; the number only grows, whoever asks."""
        ...

    def work(self, unit: Unit, team: Team, control: Control) -> dict[str, Any]:
        """Do the work on a unit, together with the other ranks of the team.

        Raising costs this unit only; the error must be raised on all ranks of the team, which
        `Team.lead` and `Team.agree` see to. When the control says that the job is to stop, the work
        goes on to the next good moment and raises `UnitStopped`.

        Returns
        -------
        dict
            What the history of the unit is to have, as JSON. `note` and `summary` are lines for
            people, `outcome` is a short dict with the figures of the result by their names.
        """
        ...
