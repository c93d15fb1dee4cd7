"""The transfer of files to the place where they are published.

A driver works like the Globus service: a transfer is submitted and becomes a task, whose status can
be asked for. The driver here copies to a directory of this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from cvzmpi.errors import TransferError, one_line
from cvzmpi.storage.whole_file import sha256_of, synchronise

_CHUNK = 1 << 20


class TaskState(Enum):
    """The state of a task; the first three are Globus's names."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The driver does not know the task: the transfer can be submitted again, without harm."""


@dataclass(frozen=True)
class TaskStatus:
    """The state of a task, with the reason on one line."""

    state: TaskState
    message: str = ""


@dataclass(frozen=True)
class Transfer:
    """Files and their destination."""

    files: Sequence[Path]  # they keep their names and arrive in this order
    destination: str  # a directory of the driver, as `destination` returns it


class TransferDriver(Protocol):
    """A service that transfers files."""

    def submit(self, transfer: Transfer) -> str:
        """Begin a transfer or resume one; files that have arrived stay.

        Returns
        -------
        str
            The task.

        Raises
        ------
        TransferError
            If it cannot be begun.
        """
        ...

    def status(self, task: str) -> TaskStatus:
        """The status of a task."""
        ...


def destination(bucket: str, proposal: str, inversion_id: str) -> str:
    """The destination of an inversion's files: `<bucket>/<proposal>/<inversion id>/`.

    Raises
    ------
    TransferError
        If a part is no plain name.
    """
    for part in (bucket, proposal, inversion_id):
        if not part or part.startswith(".") or "/" in part or "\0" in part:
            raise TransferError(f"{part!r}: expected a plain name, as part of a path")
    return f"{bucket}/{proposal}/{inversion_id}/"


def bring(
    driver: TransferDriver, transfer: Transfer, seconds: float = 3600.0, pause: float = 1.0
) -> None:
    """Submit a transfer and wait until it has succeeded.

    Raises
    ------
    TransferError
        If it fails or takes longer than `seconds`.
    """
    task = driver.submit(transfer)
    give_up = time.monotonic() + seconds
    while (status := driver.status(task)).state is not TaskState.SUCCEEDED:
        if status.state is not TaskState.ACTIVE:
            raise TransferError(f"transfer to {transfer.destination}: {status.message}")
        if time.monotonic() > give_up:
            raise TransferError(f"transfer to {transfer.destination}: not done in {seconds:.0f} s")
        time.sleep(pause)


class LocalCopy:
    """Copies to a directory of this machine; a task has ended when `submit` returns.

    Each file is copied to a `.part` file, read back and compared, and then renamed. A killed copy
    leaves a `.part` file, which the next one overwrites.

    Parameters
    ----------
    root : Path
        The directory that destinations are relative to.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tasks: dict[str, TaskStatus] = {}

    def submit(self, transfer: Transfer) -> str:
        """Copy the files that have not arrived yet.

        Raises
        ------
        TransferError
            If a destination is not below the root, or a name comes twice.
        """
        directory = self._root / transfer.destination
        if not directory.resolve().is_relative_to(self._root.resolve()):
            raise TransferError(f"{transfer.destination}: not below {self._root}")
        names = [file.name for file in transfer.files]
        if len(set(names)) != len(names):
            raise TransferError(f"transfer to {transfer.destination}: a file name comes twice")
        task = f"local:{transfer.destination}"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            n_copied = sum(_copy(file, directory / file.name) for file in transfer.files)
            synchronise(directory)
        except OSError as error:
            self._tasks[task] = TaskStatus(TaskState.FAILED, one_line(error))
        else:
            self._tasks[task] = TaskStatus(
                TaskState.SUCCEEDED, f"{n_copied} copied, {len(names) - n_copied} there already"
            )
        return task

    def status(self, task: str) -> TaskStatus:
        """The status of a task of this process."""
        return self._tasks.get(task, TaskStatus(TaskState.UNKNOWN, f"no task {task}"))


def _copy(source: Path, target: Path) -> bool:
    """Copy a file, unless it is there with the same content; True if it was copied."""
    checksum = sha256_of(source)
    if target.is_file() and sha256_of(target) == checksum:
        return False
    part = target.with_name(target.name + ".part")
    try:
        with source.open("rb") as from_file, part.open("wb") as to_file:
            while chunk := from_file.read(_CHUNK):
                to_file.write(chunk)
            to_file.flush()
            os.fsync(to_file.fileno())
        if sha256_of(part) != checksum:
            raise OSError(f"{source}: its copy differs")
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    return True
