"""Messages between a team and rank 0 while the team works on a unit."""

from __future__ import annotations

from collections.abc import Callable

from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team


class UnitStopped(Exception):  # noqa: N818 - not an error: the unit goes on in the next job
    """The work on a unit stopped at a checkpoint, since the job was asked to stop."""


class Control:
    """The line from a team to rank 0, on each rank of the team.

    Parameters
    ----------
    stop : StopRequest
        Of this process.
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
