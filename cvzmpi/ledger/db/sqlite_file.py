"""The SQLite file of a ledger. It is made once, and never in place of one that is lost."""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import tempfile
from pathlib import Path

from cvzmpi.errors import LedgerError, LedgerLostError
from cvzmpi.ledger.db.location import BUSY_SECONDS

# Errors of file systems without locks; SQLite says "disk I/O error" or "database is locked".
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class SqliteFile:
    """The file, which must stay the same for as long as it is used.

    Parameters
    ----------
    create : bool
        Whether it is made where it is not there.

    Raises
    ------
    LedgerError
        If it is not there and not to be made, cannot be made, or cannot be locked.
    """

    def __init__(self, path: Path, create: bool) -> None:
        self._path = path
        if not path.exists():
            if not create:
                raise LedgerError(f"{path}: there is no ledger")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            except OSError as error:
                raise LedgerError(f"{path}: cannot be made: {error.strerror}") from error
        self._check_locks()
        self._opened: os.stat_result | None = None

    def connect(self) -> sqlite3.Connection:
        """Open the file; one that is gone is not made."""
        self.check()
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)

    def check(self) -> None:
        """Compare the file with the one that was opened first.

        What is recorded in a file that has lost its name is lost with the process, and a file that
        has its name now may be the ledger of other jobs, with other numbers.

        Raises
        ------
        LedgerLostError
            If it is gone, or another one.
        """
        try:
            found = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise LedgerLostError(f"{self._path}: the ledger is gone") from None
        except OSError as error:
            raise LedgerError(f"{self._path}: cannot be opened: {error.strerror}") from error
        if self._opened is None:
            self._opened = found
        elif not os.path.samestat(found, self._opened):
            raise LedgerLostError(f"{self._path}: another file is in the place of the ledger")

    def _check_locks(self) -> None:
        """Try locks on a file beside it: to close the ledger would end the locks that it has."""
        try:
            with tempfile.TemporaryFile(dir=self._path.parent) as file:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise LedgerError(
                    f"{self._path}: its file system cannot lock files ({error.strerror}), which "
                    "SQLite needs: put the ledger on another one, or into a PostgreSQL database "
                    "(ledger.url)"
                ) from error
            # Any other error: who may not write in this directory may still read the ledger.
