"""How a job gets its light curves from the archive: scan when it begins, then download ahead."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.scan import known_good, scan
from cvzmpi.cvz.archive.scratch.quota import Room
from cvzmpi.cvz.archive.staged_source import RecordingSource, StagedSource, StagingRules
from cvzmpi.cvz.archive.target_list import read_target_list
from cvzmpi.cvz.configuration import Config
from cvzmpi.errors import ArchiveError, UnavailableError
from cvzmpi.ledger import Job, Ledger, LedgerUnit, State
from cvzmpi.scheduler.campaign import Outcome

_log = logging.getLogger(__name__)

CLAIMABLE = (State.QUALIFIED, State.PREPROCESSED)
"""A unit need not be preprocessed to be given to a job: the job sees to that."""

_GIGABYTE = 1e9
_NOT_SCANNED = "what is new in the archive"


def scan_for_job(config: Config, access: ArchiveAccess, ledger: Ledger, job: Job) -> Outcome | None:
    """Bring what is new in the list of targets and in the archive into the ledger.

    Without the archive, a job works on what the ledger knows.

    Returns
    -------
    Outcome or None
        What the job has left undone, where the archive could not be scanned: unfinished if that may
        be done later, failed if a person must see to it.

    Raises
    ------
    ConfigError
        If the list of targets cannot be read.
    ArchiveDownError
        If the archive does not answer, and the ledger knows nothing to work on.
    ArchiveError
        If it has no listing, and the ledger knows nothing to work on.
    """
    assert config.archive.targets is not None
    targets = read_target_list(config.archive.targets)
    for row in targets.bad_rows:
        _log.warning("%s", row)
    try:
        result = scan(targets, config.archive, access, ledger, job)
    except ArchiveError as error:
        if not any(ledger.counts()[state] for state in CLAIMABLE):
            raise
        _log.warning("%s; going on with what the ledger knows", error)
        reason = f"the archive could not be scanned: {error}"
        if isinstance(error, UnavailableError):
            return Outcome(_NOT_SCANNED, unfinished=reason)
        return Outcome(_NOT_SCANNED, error=reason)
    for note in access.notes:
        _log.warning("%s", note)
    for line in str(result).splitlines():
        _log.info("%s", line)
    return None


def stage(
    inner: RecordingSource,
    config: Config,
    access: ArchiveAccess,
    known: Sequence[LedgerUnit],
    not_scanned: Outcome | None = None,
) -> StagedSource:
    """Have the light curves of a source's units downloaded before they are given out.

    Parameters
    ----------
    inner : RecordingSource
    config : Config
    access : ArchiveAccess
    known : sequence of LedgerUnit
        All units, as they were when the job began.
    not_scanned : Outcome, optional
        From `scan_for_job`.
    """
    room = Room(access.scratch, config.archive.scratch_gb * _GIGABYTE)
    return StagedSource(
        inner,
        access.open_stager(room, known_good(known)),
        access.scratch,
        room,
        config.output.directory,
        StagingRules(config.archive.ahead, config.light_curve.min_usable_cadences),
        recorder=inner,
        left_undone=not_scanned,
    )
