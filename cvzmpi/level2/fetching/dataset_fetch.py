"""The fetch of one Level 1 dataset: it takes its name when all of it is here, verified.

It is brought to `<dataset>.part` beside its place. What is known of it lies in `.fetch`, in the
directory of all Level 1 data: the task of its transfer, and that it was found whole.
"""

from __future__ import annotations

import json
from pathlib import Path

from cvzmpi.errors import Level1Error, TransferError
from cvzmpi.level2.maps.level1_places import level1_place
from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.product.bounded_process import LimitError, call_bounded
from cvzmpi.level2.transfers.bring import UnderWay
from cvzmpi.level2.transfers.transfer import (
    Fetch,
    TaskState,
    TaskStatus,
    TransferDriver,
    destination,
    sizes_below,
)
from cvzmpi.storage.file_lock import FileLock
from cvzmpi.storage.whole_file import set_aside, synchronise, write_whole

_FIND_FAULTS = "cvzmpi.level2.maps.level1_faults:find_faults"  # by name: it imports dkist
_SECONDS, _SECONDS_PER_FILE, _GIGABYTES = 300.0, 0.5, 8.0


class DatasetFetch:
    """A dataset and its places on this machine.

    Parameters
    ----------
    level1 : Path
        The directory of all Level 1 data.

    Raises
    ------
    TransferError
        If bucket, proposal or id are no parts of a path.
    """

    def __init__(self, driver: TransferDriver, dataset: Dataset, level1: Path) -> None:
        self.dataset = dataset
        self.source = destination(dataset.bucket or "", dataset.proposal, dataset.dataset_id)
        self._driver = driver
        self._level1 = level1
        self._final = level1 / dataset.proposal / dataset.dataset_id
        kept = level1 / ".fetch" / dataset.dataset_id
        self._task = kept.with_name(f"{kept.name}.task")
        self._whole = kept.with_name(f"{kept.name}.whole")
        self._claim = kept.with_name(f"{kept.name}.claim")
        self._lock: FileLock | None = None
        self._under_way: UnderWay | None = None
        self._n_bytes_before = 0

    @property
    def name(self) -> str:
        """The id of the dataset."""
        return self.dataset.dataset_id

    @property
    def part(self) -> Path:
        """The directory that it is brought to."""
        return self._final.with_name(f"{self._final.name}.part")

    def take(self) -> bool:
        """Have the dataset for this process alone; False if another one has it."""
        self._lock = FileLock.take(self._claim)
        return self._lock is not None

    def release(self) -> None:
        """Let others have it; a transfer under way goes on."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def is_here(self, *, anew: bool = False) -> bool:
        """True if the dataset is in its place, whole.

        One that is not whole is moved to where it is brought, without the files that are damaged.

        Parameters
        ----------
        anew : bool
            Whether to look at the files also if they were found whole before.
        """
        place = level1_place(self._level1, self.dataset)
        if place is None:
            return False
        self._final = place
        if not anew and self._was_whole():
            return True
        faults = self._find_faults(place)
        if not faults:
            self._note_whole()
            return True
        if self.part.exists():
            set_aside(place)
        else:
            place.rename(self.part)
            self._remove(faults)
        return False

    def n_missing_bytes(self) -> int:
        """The number of bytes that are still to be brought.

        Raises
        ------
        TransferError
            If there is nothing to bring.
        """
        there = self._driver.sizes(self.source)
        if not there:
            raise TransferError(f"{self.source}: there are no files")
        here = sizes_below(self.part)
        self._n_bytes_before = sum(here.values())
        return sum(size for name, size in there.items() if here.get(name) != size)

    def n_bytes_brought(self) -> int:
        """The number of bytes that came since `n_missing_bytes`, about."""
        return sum(sizes_below(self.part).values()) - self._n_bytes_before

    def look(self) -> TaskStatus:
        """Begin or look after the transfer; once it has succeeded, the dataset is in its place.

        Raises
        ------
        TransferError
            If it failed.
        Level1Error
            If what came is not whole; the next fetch brings again what is damaged.
        """
        if self._under_way is None:
            fetch = Fetch(self.source, self.part)
            self._under_way = UnderWay(self._driver, fetch, self._task)
        status = self._under_way.look()
        if status.state is TaskState.SUCCEEDED:
            self._finish()
        return status

    def _finish(self) -> None:
        faults = self._find_faults(self.part)
        if faults:
            self._remove(faults)
            self._task.unlink(missing_ok=True)
            first, *others = faults.values()
            more = f"; and {len(others)} more files" if others else ""
            raise Level1Error(f"from {self.source}: {first}{more}")
        self.part.rename(self._final)
        synchronise(self._final.parent)
        self._note_whole()
        self._task.unlink(missing_ok=True)

    def _find_faults(self, directory: Path) -> dict[str, str]:
        """What is wrong with it, by name of a file; "" if with all of it."""
        seconds = _SECONDS + _SECONDS_PER_FILE * len(sizes_below(directory))
        try:
            faults: dict[str, str] = call_bounded(
                _FIND_FAULTS, directory, self.name, seconds=seconds, gigabytes=_GIGABYTES
            )
        except LimitError as error:
            return {"": f"{directory}: cannot be checked: {error}"}
        except Level1Error as error:
            return {"": str(error)}
        return faults

    def _remove(self, faults: dict[str, str]) -> None:
        """Remove the files that are not whole, so that they are brought again."""
        for name in faults:
            if name:
                (self.part / name).unlink(missing_ok=True)

    def _was_whole(self) -> bool:
        """True if it was found whole, and no file came or went since then."""
        try:
            kept = json.loads(self._whole.read_text())
        except (OSError, ValueError):
            return False
        return bool(kept == self._now())

    def _note_whole(self) -> None:
        write_whole(self._whole, json.dumps(self._now()).encode())

    def _now(self) -> list[str | int]:
        return [str(self._final), self._final.stat().st_mtime_ns]
