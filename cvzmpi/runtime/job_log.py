"""The log file of a job: one for each time that it is started, written by rank 0.

Rank 0 hears of everything that the teams do. A line about a unit names the rank that worked on it.
"""

from __future__ import annotations

import logging
import os
import socket
import time
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
    begun = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    path = directory / f"{begun}-{queue_id or f'{socket.gethostname()}-{os.getpid()}'}.log"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    formatter = _WithoutSecrets(_FORMAT, defaults={"who": "rank 0"})
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logger = logging.getLogger("cvzmpi")
    for other in [h for h in logger.handlers if isinstance(h, logging.StreamHandler)]:
        logger.removeHandler(other)  # of an earlier job of this process
        other.close()
    logger.addHandler(handler)
    logger.addHandler(_warnings_for_the_terminal())
    logger.setLevel(level)
    logging.raiseExceptions = False  # a full disk must not fill the terminal as well
    return path


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
