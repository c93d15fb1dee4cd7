"""Transfers of files to the place where they are published, and from where Level 1 data are kept.

A driver works like the Globus service: a transfer is submitted and becomes a task, whose status can
be asked for. A submission has an id, so that the same one twice is one task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Protocol

from cvzmpi.errors import TransferError, one_line
from cvzmpi.messages.foreign_json import shown


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
    """Files of this machine and their destination."""

    files: Sequence[Path]  # they keep their names and arrive in this order
    destination: str  # a directory of the driver, as `destination` returns it

    def __post_init__(self) -> None:
        """Refuse two files of one name.

        Raises
        ------
        TransferError
        """
        if len({file.name for file in self.files}) != len(self.files):
            raise TransferError(f"transfer to {self.destination}: a file name comes twice")

    def __str__(self) -> str:
        return f"transfer to {self.destination}"

    def sizes(self) -> dict[str, int]:
        """The sizes of the files, by name.

        Raises
        ------
        TransferError
            If a file is not there.
        """
        try:
            return {file.name: file.stat().st_size for file in self.files}
        except OSError as error:
            raise TransferError(f"{self}: {one_line(error)}") from error


@dataclass(frozen=True)
class Fetch:
    """A directory of the driver with all that is in it, and its destination on this machine."""

    source: str  # a directory of the driver, as `destination` returns it
    directory: Path

    def __str__(self) -> str:
        return f"transfer from {self.source}"

    def sizes(self) -> dict[str, int]:
        """The sizes of the files that are here, by path below the directory.

        Raises
        ------
        TransferError
            If the directory cannot be read.
        """
        return sizes_below(self.directory)


class TransferDriver(Protocol):
    """A service that transfers files."""

    @property
    def pause(self) -> float:
        """Seconds between two questions for a status."""
        ...

    def new_submission(self) -> str:
        """The id of a submission that is to come.

        Raises
        ------
        TransferUnavailableError
        """
        ...

    def submit(self, transfer: Transfer | Fetch, submission: str) -> str:
        """Begin a transfer or resume one; files that have arrived stay.

        Parameters
        ----------
        submission : str
            From `new_submission`; the same one again is the same task.

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
        """The status of a task; it has succeeded if the content of all files was verified.

        Raises
        ------
        TransferUnavailableError
        """
        ...

    def sizes(self, directory: str) -> Mapping[str, int]:
        """The sizes of the files in a directory of the driver, by path below it.

        Empty if there is no such directory.

        Raises
        ------
        TransferError
        """
        ...


def destination(bucket: str, proposal: str, name: str) -> str:
    """The directory of an inversion or dataset: `<bucket>/<proposal>/<name>/`.

    Raises
    ------
    TransferError
        If a part is no plain name.
    """
    for part in (bucket, proposal, name):
        if not part or part.startswith(".") or "/" in part or "\0" in part:
            raise TransferError(f"{part!r}: expected a plain name, as part of a path")
    return f"{bucket}/{proposal}/{name}/"


def plain_path(path: str) -> str:
    """A path below a directory, as a service names it, if it leads nowhere else.

    Raises
    ------
    TransferError
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or not path.isprintable():
        raise TransferError(f"{shown(path)}: expected a path below a directory")
    return path


def sizes_below(directory: Path) -> dict[str, int]:
    """The sizes of the files in a directory of this machine, by path below it.

    Raises
    ------
    TransferError
        If it cannot be read.
    """
    try:
        return {
            file.relative_to(directory).as_posix(): file.stat().st_size
            for file in sorted(directory.rglob("*"))
            if file.is_file()
        }
    except OSError as error:
        raise TransferError(f"{directory}: {one_line(error)}") from error
