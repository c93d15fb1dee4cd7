"""Transfers from their submission to the verified files, across processes that are killed.

The submission is remembered on disk before it is sent, and the task after it. A process that is
killed in between sends the same submission again, which the service knows as the same task.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from cvzmpi.errors import TransferError, TransferUnavailableError, one_line
from cvzmpi.level2.transfers.transfer import (
    Fetch,
    TaskState,
    TaskStatus,
    Transfer,
    TransferDriver,
)
from cvzmpi.storage.whole_file import write_whole

_MOST_FORGOTTEN = 3  # times that the service may not know what it was given


class UnderWay:
    """A transfer that is begun, or taken up again, and looked after.

    Parameters
    ----------
    driver : TransferDriver
    transfer : Transfer or Fetch
    remembered : Path, optional
        The file that keeps submission and task. Without it, each process begins anew.
    """

    def __init__(
        self, driver: TransferDriver, transfer: Transfer | Fetch, remembered: Path | None = None
    ) -> None:
        self._driver = driver
        self._transfer = transfer
        self._remembered = remembered
        self._what = _fingerprint(driver, transfer)
        self._submission, self._task = self._recall()
        self._from_earlier = self._task is not None
        self._n_forgotten = 0

    def look(self) -> TaskStatus:
        """Submit the transfer if need be, and ask for its status.

        Returns
        -------
        TaskStatus
            Active, or succeeded: then all files have arrived and are verified.

        Raises
        ------
        TransferError
            If it failed; the next look submits it anew.
        """
        if self._task is None:
            self._task = self._submit()
        status = self._driver.status(self._task)
        if status.state is TaskState.UNKNOWN:
            return self._forgotten(status)
        if status.state is TaskState.FAILED:
            self._forget()
            raise TransferError(f"{self._transfer}: {status.message}")
        if status.state is TaskState.SUCCEEDED and (wrong := self._not_arrived()) is not None:
            self._forget()
            if not self._from_earlier:
                raise TransferError(f"{self._transfer}: {wrong}")
            self._from_earlier = False  # since then, somebody has removed it
            return TaskStatus(TaskState.ACTIVE, f"{wrong}; submitted again")
        return status

    def _submit(self) -> str:
        if self._submission is None:
            self._submission = self._driver.new_submission()
        self._remember(None)
        task = self._driver.submit(self._transfer, self._submission)
        self._remember(task)
        return task

    def _forgotten(self, status: TaskStatus) -> TaskStatus:
        """Submit again what the service does not know: with the same id first, then as new."""
        self._n_forgotten += 1
        if self._n_forgotten > _MOST_FORGOTTEN:
            self._forget()
            raise TransferError(f"{self._transfer}: {status.message}")
        if self._n_forgotten == 1:
            self._task = None
        else:
            self._forget()
        return TaskStatus(TaskState.ACTIVE, status.message)

    def _not_arrived(self) -> str | None:
        """The first file that is not at its destination with its size; None if all are."""
        here: Mapping[str, int] = self._transfer.sizes()
        if isinstance(self._transfer, Transfer):
            expected, there = here, self._driver.sizes(self._transfer.destination)
        else:
            expected, there = self._driver.sizes(self._transfer.source), here
        for name, size in expected.items():
            if there.get(name) != size:
                found = f"{there[name]:,} bytes" if name in there else "not there"
                return f"{name}: {found}, expected {size:,} bytes"
        return None if expected else "there are no files"

    def _recall(self) -> tuple[str | None, str | None]:
        """Submission and task of this transfer, if they are remembered."""
        if self._remembered is None:
            return None, None
        try:
            kept: Any = json.loads(self._remembered.read_text())
        except FileNotFoundError:
            return None, None
        except (OSError, ValueError) as error:
            raise TransferError(f"{self._remembered}: {one_line(error)}") from error
        if not isinstance(kept, dict) or kept.get("transfer") != self._what:
            return None, None
        return kept.get("submission"), kept.get("task")

    def _remember(self, task: str | None) -> None:
        if self._remembered is None:
            return
        kept = {"transfer": self._what, "submission": self._submission, "task": task}
        try:
            write_whole(self._remembered, json.dumps(kept).encode())
        except OSError as error:
            raise TransferError(f"{self._remembered}: {one_line(error)}") from error

    def _forget(self) -> None:
        self._submission = self._task = None
        if self._remembered is not None:
            self._remembered.unlink(missing_ok=True)


def bring(
    driver: TransferDriver,
    transfer: Transfer | Fetch,
    seconds: float = 3600.0,
    pause: float | None = None,
    remembered: Path | None = None,
) -> None:
    """Submit a transfer or take it up again, and wait until its files have arrived, verified.

    Parameters
    ----------
    seconds : float
        How long to wait. A transfer that takes longer goes on.
    pause : float, optional
        Seconds between two questions for the status; by default the driver's.
    remembered : Path, optional
        The file that keeps the task, so that a process that is killed goes on with it. It stays
        when the transfer is done: done again, with the same files, it is the same task.

    Raises
    ------
    TransferUnavailableError
        If the service does not answer, or it takes longer than `seconds`.
    TransferError
        If it fails.
    """
    under_way = UnderWay(driver, transfer, remembered)
    give_up = time.monotonic() + seconds
    while (status := under_way.look()).state is not TaskState.SUCCEEDED:
        if time.monotonic() > give_up:
            reason = f": {status.message}" if status.message else ""
            raise TransferUnavailableError(f"{transfer}: not done in {seconds:.0f} s{reason}")
        time.sleep(driver.pause if pause is None else pause)


def _fingerprint(driver: TransferDriver, transfer: Transfer | Fetch) -> str:
    """Tell a transfer from others: by its driver, its places, and sizes and times of its files."""
    what: list[Any] = [type(driver).__name__]
    if isinstance(transfer, Transfer):
        sizes = transfer.sizes()
        what += [transfer.destination, [(str(f), sizes[f.name]) for f in transfer.files]]
        what += [f.stat().st_mtime_ns for f in transfer.files]
    else:
        what += [transfer.source, str(transfer.directory)]
    return sha256(json.dumps(what).encode()).hexdigest()
