"""Outboxes of jobs that the ledger does not know: a ledger that is lost knew them.

Their events belong to a history that is gone. Left where they are, they would wait for ever, or be
taken for those of a later job that gets the same number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path

from cvzmpi.ledger.records import Job

_log = logging.getLogger(__name__)

_ASIDE = "of-a-lost-ledger.refused.jsonl"


def set_aside_lost(directory: Path, job: Job, known: Callable[[], Collection[Job]]) -> list[Path]:
    """Rename the outboxes that no job of this ledger can have written, and say so.

    Parameters
    ----------
    directory : Path
        Of the outboxes of all jobs.
    job : Job
        This one, which has just begun and has written nothing yet.
    known : callable
        All jobs of the ledger; asked only where there are outboxes. A job is there before its
        outbox is.

    Returns
    -------
    list of Path
        What the files are called now.
    """
    waiting = {int(path.stem): path for path in directory.glob("*.jsonl") if path.stem.isdecimal()}
    if not waiting:
        return []
    others = {other.id for other in known()} - {job.id}
    aside = []
    for number in sorted(waiting.keys() - others):
        path = waiting[number]
        try:
            n_events = path.read_bytes().count(b"\n")
            aside.append(path.rename(_free_name(path)))
        except FileNotFoundError:
            continue  # another job was faster
        except OSError as error:
            _log.warning("%s: cannot be set aside: %s", path, error.strerror)
            continue
        _log.warning(
            "%s: %d events of a job of another ledger, which is lost; kept as %s. What was done is "
            "known from the sector files",
            path,
            n_events,
            aside[-1].name,
        )
    return aside


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.stem}.{number}.{_ASIDE}")).exists():
        number += 1
    return aside
