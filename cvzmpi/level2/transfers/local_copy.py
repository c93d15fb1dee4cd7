"""Transfers by copying, between directories of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cvzmpi.errors import TransferError
from cvzmpi.level2.transfers.file_by_file import FileByFile
from cvzmpi.level2.transfers.transfer import Fetch, Transfer, sizes_below
from cvzmpi.storage.whole_file import sha256_of, synchronise

_CHUNK = 1 << 20


class LocalCopy(FileByFile):
    """Copies to a directory of this machine, or from it.

    Each file is copied to a `.part` file, read back and compared, and then renamed. A killed copy
    leaves a `.part` file, which the next one overwrites.

    Parameters
    ----------
    root : Path
        The directory that destinations and sources are relative to.
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root

    def submit(self, transfer: Transfer | Fetch, submission: str = "") -> str:
        """Begin to copy the files that have not arrived yet.

        Raises
        ------
        TransferError
            If a directory is not below the root.
        """
        if isinstance(transfer, Transfer):
            directory = self._below_root(transfer.destination)
            pairs = [(file, directory / file.name) for file in transfer.files]
            copies = _copies(pairs, directory, by_content=True)
        else:
            source, directory = self._below_root(transfer.source), transfer.directory
            pairs = [(source / name, directory / name) for name in sizes_below(source)]
            copies = _copies(pairs, directory, by_content=False)
        return self.begin(f"local:{transfer}", copies, len(pairs))

    def sizes(self, directory: str) -> dict[str, int]:
        """The sizes of the files in a directory below the root.

        Raises
        ------
        TransferError
        """
        return sizes_below(self._below_root(directory))

    def _below_root(self, directory: str) -> Path:
        path = self._root / directory
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise TransferError(f"{directory}: not below {self._root}")
        return path


def _copies(pairs: list[tuple[Path, Path]], directory: Path, *, by_content: bool) -> Iterator[bool]:
    """Copy files, except those that are there with the same size and, if asked for, content."""
    directory.mkdir(parents=True, exist_ok=True)
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        there = target.is_file() and target.stat().st_size == source.stat().st_size
        if there and (not by_content or sha256_of(target) == sha256_of(source)):
            yield False
        else:
            _copy(source, target)
            yield True
    synchronise(directory)


def _copy(source: Path, target: Path) -> None:
    """Copy to a `.part` file, compare it, and rename it."""
    part = target.with_name(target.name + ".part")
    checksum = sha256()
    try:
        with source.open("rb") as from_file, part.open("wb") as to_file:
            while chunk := from_file.read(_CHUNK):
                checksum.update(chunk)
                to_file.write(chunk)
            to_file.flush()
            os.fsync(to_file.fileno())
        if sha256_of(part) != checksum.hexdigest():
            raise OSError(f"{source}: its copy differs")
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
