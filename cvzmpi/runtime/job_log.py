"""The log file of a job: one for each time that it is started, written by rank 0.

Rank 0 hears of everything that the teams do. A line about a unit names the rank that worked on it.
Other commands have one only if there is something to be told: an unforeseen error.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cvzmpi.errors import ConfigError
from cvzmpi.messages.redaction import redacted

_FORMAT = "%(asctime)s %(levelname)-7s [%(who)s] %(message)s"


def begin_log(directory: Path, level: str, queue_id: str | None) -> Path:
    """Write what is logged from now on to a file of its own.

    Parameters
    ----------
    directory : Path
        Of the log files; made where it is not there.
    level : str
        `DEBUG`, `INFO` or `WARNING`.
    queue_id : str, optional
        The queue's number of the job, for the name of the file.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If it cannot be written.
    """
    path = _new_path(directory, queue_id)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    handler.setFormatter(_formatter())
    logger = logging.getLogger("cvzmpi")
    for other in [h for h in logger.handlers if isinstance(h, logging.StreamHandler)]:
        logger.removeHandler(other)  # of an earlier job of this process
        other.close()
    logger.addHandler(handler)
    logger.addHandler(_warnings_for_the_terminal())
    logger.setLevel(level)
    logging.raiseExceptions = False  # a full disk must not fill the terminal as well
    return path


@contextmanager
def failures_logged(directory: Path) -> Iterator[None]:
    """Write errors that are logged in the context to a file of its own; without any, there is none.

    Parameters
    ----------
    directory : Path
        Of the log files; made with the first line.
    """
    handler = _MadeWhenNeeded(_new_path(directory, None), encoding="utf-8", delay=True)
    handler.setFormatter(_formatter())
    handler.setLevel(logging.ERROR)
    warnings = logging.StreamHandler()
    warnings.setFormatter(_WithoutSecrets())
    warnings.addFilter(lambda record: logging.WARNING <= record.levelno < logging.ERROR)
    logger = logging.getLogger("cvzmpi")
    for one in (handler, warnings):
        logger.addHandler(one)
    try:
        yield
    finally:
        for one in (handler, warnings):
            logger.removeHandler(one)
            one.close()


def current_log() -> Path | None:
    """The file that errors are logged to now; None if there is none."""
    handlers = logging.getLogger("cvzmpi").handlers
    files = [h.baseFilename for h in handlers if isinstance(h, logging.FileHandler)]
    return Path(files[-1]) if files else None


def _new_path(directory: Path, queue_id: str | None) -> Path:
    begun = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    return directory / f"{begun}-{queue_id or f'{socket.gethostname()}-{os.getpid()}'}.log"


def _formatter() -> logging.Formatter:
    formatter = _WithoutSecrets(_FORMAT, defaults={"who": "rank 0"})
    formatter.converter = time.gmtime
    return formatter


class _MadeWhenNeeded(logging.FileHandler):
    """Makes directory and file with the first line; without room for it, it is shown instead."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        sys.stderr.write(f"{self.format(record)}\n")


class _WithoutSecrets(logging.Formatter):
    """Writes lines as they are, tracebacks too, but for what nobody else may read."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def _warnings_for_the_terminal() -> logging.Handler:
    """Show warnings at once; what becomes of the units, the progress display says already."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(_WithoutSecrets())
    handler.addFilter(lambda record: record.name != "cvzmpi.runtime.ledger_source")
    return handler
