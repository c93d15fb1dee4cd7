"""A team: the ranks of one node that work on one unit together, led by the first of them.

What a team does together, all its ranks must do, or the others wait for ever. So an error is raised
on all ranks, which `lead`, `each` and `agree` see to; one that a single rank has for itself, where
nobody expected it, ends the job (`together`).
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from cvzmpi.errors import CvzmpiError, MachineError, PutOffError
from cvzmpi.messages.redaction import show_traceback
from cvzmpi.mpi.library import mpi
from cvzmpi.mpi.machine_fault import is_machine_fault, is_put_off
from cvzmpi.mpi.one_rank import OneRank
from cvzmpi.mpi.shared_memory import OwnCounter, SharedCounter, SharedMemoryError, share_memory
from cvzmpi.mpi.stopping import abort_job

if TYPE_CHECKING:
    from cvzmpi.mpi.library import MPI

T = TypeVar("T")


class TeamMateError(CvzmpiError):
    """Another rank of the team failed; says which, where and why."""


class TeamMatePutOffError(TeamMateError, PutOffError):
    """The same, for a reason that is not the unit's."""


class TeamMateMachineError(TeamMateError, MachineError):
    """The same, by a fault of the machine."""


class Team:
    """The ranks that work on a unit, all on one node so that they can share memory.

    Parameters
    ----------
    name : str
        How its leader is called in messages, as `rank 3`.
    """

    def __init__(self, communicator: MPI.Intracomm | OneRank, name: str = "rank 0") -> None:
        # mypy: a team of one uses no more than `OneRank` can do.
        self.communicator: MPI.Intracomm = communicator  # type: ignore[assignment]
        self.rank: int = communicator.Get_rank()
        self.size: int = communicator.Get_size()
        self.name = name
        self._counter = SharedCounter(self.communicator) if self.size > 1 else OwnCounter()

    @classmethod
    def alone(cls) -> Team:
        """The team of this process alone; loads no MPI."""
        return cls(OneRank())

    @property
    def is_leader(self) -> bool:
        """True on the one rank that does what is done once for the team."""
        return self.rank == 0

    def lead(self, work: Callable[[], T]) -> T:
        """Let the leader do something alone, and give all ranks what it returned.

        Raises
        ------
        Exception
            What `work` raised; on the other ranks, a `TeamMateError` that says so.
        """
        if self.size == 1:
            return work()
        result: Any = None
        error: Exception | None = None
        if self.is_leader:
            try:
                result = work()
            except Exception as caught:
                error = caught
        result, failure = self.communicator.bcast((result, self._told(error)))
        if error is not None:
            self.raise_on_all(error)
        if failure is not None:
            self.raise_on_all(failure)
        return result

    def each(self, work: Callable[[], T]) -> T:
        """Let every rank do something, each with its result, and go on when all have: collective.

        Raises
        ------
        Exception
            As `agree`.
        """
        try:
            result = work()
        except Exception as error:
            self.agree(error)
            raise
        self.agree()
        return result

    def agree(self, error: Exception | None = None) -> None:
        """Wait for the whole team; if any rank has an error, all raise.

        Raises
        ------
        Exception
            `error` itself where there is one, else a `TeamMateError` that says who failed and why.
        """
        if self.size == 1:
            if error is not None:
                raise error
            return
        failures = [f for f in self.communicator.allgather(self._told(error)) if f is not None]
        if error is not None:
            self.raise_on_all(error)
        if failures:
            self.raise_on_all(failures[0])

    def raise_on_all(self, error: Exception) -> NoReturn:
        """Raise an error that every rank of the team raises now, each its own."""
        # Marked, and not kept: with its traceback it would keep all that the failed work held.
        error.known_to_all = True  # type: ignore[attr-defined]
        try:
            raise error
        finally:
            del error

    @contextmanager
    def together(self) -> Iterator[None]:
        """Leave this context on all ranks or end the job, if only one of them has an error.

        The others would wait for it for ever. This context belongs inside of all whose end is
        collective.
        """
        try:
            yield
        except BaseException as error:
            self.end_job_unless_known(error)
            raise

    def end_job_unless_known(self, error: BaseException) -> None:
        """End the job after an error that the other ranks of the team do not have."""
        if self.size > 1 and not getattr(error, "known_to_all", False):
            show_traceback(error)
            reason = f"{self._describe(error)}; the rest of its team cannot know"
            abort_job(mpi().COMM_WORLD, reason)

    def any(self, value: bool) -> bool:
        """Tell whether the value is true on any rank: collective."""
        return value if self.size == 1 else self.communicator.allreduce(value, mpi().LOR)

    def tickets(self, first: int, last: int) -> Tickets:
        """Share the numbers first, ..., last - 1 among the ranks: collective.

        Each rank takes the next number when it is ready for it, so that a slower one takes fewer.
        """
        return Tickets(self._counter, first, last)

    @contextmanager
    def shared_array(self, shape: tuple[int, ...], dtype: type) -> Iterator[np.ndarray]:
        """Make an array that all ranks of the team read and write in this context: collective.

        Raises
        ------
        SharedMemoryError
            On all ranks, if the machine has no room for it.
        """
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        if self.size == 1 or n_bytes == 0:
            array: np.ndarray = np.empty(shape, dtype)
        else:
            try:
                memory = share_memory(self.communicator, n_bytes)
            except SharedMemoryError as error:
                self.raise_on_all(error)
            array = np.frombuffer(memory, dtype).reshape(shape)
            del memory
        try:
            with self.together():
                yield array
        finally:
            del array  # the traceback of an error would keep it

    def _told(self, error: Exception | None) -> TeamMateError | None:
        """An error of this rank as the others raise it."""
        if error is None:
            return None
        if is_machine_fault(error):
            return TeamMateMachineError(self._describe(error))
        kind = TeamMatePutOffError if is_put_off(error) else TeamMateError
        return kind(self._describe(error))

    def _describe(self, error: BaseException) -> str:
        where = f"{self.name}, member {self.rank} on {socket.gethostname()}"
        return f"{type(error).__name__}: {error} ({where})"


class Tickets:
    """Numbers that are given out once each; see `Team.tickets`."""

    def __init__(self, counter: OwnCounter | SharedCounter, first: int, last: int) -> None:
        self._counter = counter
        self._last = last
        counter.set(first)

    def __iter__(self) -> Iterator[int]:
        while not self._counter.is_closed():
            ticket = self._counter.take()
            if ticket >= self._last:
                return
            yield ticket

    def close(self) -> None:
        """Give out no more numbers, on any rank."""
        self._counter.close()

    def taken(self) -> int:
        """The first number that nobody took; collective, after all ranks stopped taking."""
        return min(self._counter.get(), self._last)
