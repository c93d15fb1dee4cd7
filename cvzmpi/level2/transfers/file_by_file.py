"""Tasks that this process does itself: one file each time that their status is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cvzmpi.errors import MachineError, TransferError, TransferUnavailableError, one_line
from cvzmpi.level2.transfers.transfer import TaskState, TaskStatus
from cvzmpi.mpi.machine_fault import is_machine_fault


@dataclass
class _Task:
    files: Iterator[bool]  # brings a file; False if it was there
    n_files: int
    n_brought: int = 0
    n_there: int = 0
    ended: TaskStatus | None = None


class FileByFile:
    """The tasks of a driver without a service that does them.

    A task ends with its process; the next one goes on where it was, since files that have arrived
    stay.
    """

    pause = 0.0

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}

    def new_submission(self) -> str:
        """No id: a task that is done twice finds all files there."""
        return ""

    def begin(self, task: str, files: Iterator[bool], n_files: int) -> str:
        """Add a task, which brings its files one after another."""
        self._tasks[task] = _Task(files, n_files)
        return task

    def status(self, task: str) -> TaskStatus:
        """The status of a task of this process, after its next file.

        Raises
        ------
        TransferUnavailableError
        MachineError
            If the disk is full, say.
        """
        under_way = self._tasks.get(task)
        if under_way is None:
            return TaskStatus(TaskState.UNKNOWN, f"no task {task}")
        if under_way.ended is None:
            under_way.ended = _go_on(under_way)
        if under_way.ended is not None:
            return under_way.ended
        done = under_way.n_brought + under_way.n_there
        return TaskStatus(TaskState.ACTIVE, f"{done} of {under_way.n_files} files")


def _go_on(task: _Task) -> TaskStatus | None:
    """Bring the next file; the status if the task has ended."""
    task.ended = TaskStatus(TaskState.UNKNOWN, "a file could not be brought")  # where this raises
    try:
        brought = next(task.files, None)
    except (TransferError, OSError) as error:
        if isinstance(error, TransferUnavailableError):
            raise
        if is_machine_fault(error):
            raise MachineError(one_line(error)) from error
        return TaskStatus(TaskState.FAILED, one_line(error))
    if brought is None:
        message = f"{task.n_brought} brought, {task.n_there} there already"
        return TaskStatus(TaskState.SUCCEEDED, message)
    if brought:
        task.n_brought += 1
    else:
        task.n_there += 1
    return None
