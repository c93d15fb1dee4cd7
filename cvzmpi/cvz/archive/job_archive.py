"""The archive of a job: scanned when the job begins, downloaded from while it runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from cvzmpi.cvz.archive.access import ArchiveAccess
from cvzmpi.cvz.archive.scan import known_good, scan
from cvzmpi.cvz.archive.staged_source import CLAIMABLE, RecordingSource, StagedSource
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.target_list import read_target_list
from cvzmpi.errors import ArchiveError, UnavailableError
from cvzmpi.ledger import Job, Ledger, LedgerUnit
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.scheduler.campaign import Outcome

_log = logging.getLogger(__name__)

_NOT_SCANNED = "what is new in the archive"


class JobArchive:
    """The archive and the list of targets of a job.

    It brings what is new in both into the ledger. Without the archive, the job works on what the
    ledger knows, and reports that the scan is left undone: unfinished if it may succeed later,
    failed if a person must see to it.

    Parameters
    ----------
    job : Job
        Recorded with each new unit.
    present : iterable of LightCurveId
        The light curves that have a sector file.

    Raises
    ------
    ConfigError
        If the list of targets cannot be read.
    ArchiveDownError
        If the archive does not answer, and the ledger knows nothing to work on.
    ArchiveError
        If it has no listing, and the ledger knows nothing to work on.
    """

    claimable = CLAIMABLE

    def __init__(
        self, config: Config, ledger: Ledger, job: Job, present: Iterable[LightCurveId]
    ) -> None:
        self._config = config
        self._access = ArchiveAccess(config, _log.warning)
        self._left_undone = self._scan(ledger, job, present)

    def _scan(self, ledger: Ledger, job: Job, present: Iterable[LightCurveId]) -> Outcome | None:
        settings = self._config.archive
        assert settings.targets is not None
        targets = read_target_list(settings.targets)
        for row in targets.bad_rows:
            _log.warning("%s", row)
        try:
            with ProgressBar() as bar:
                result = scan(targets, settings, self._access, ledger, job, bar, present)
        except ArchiveError as error:
            if not any(ledger.counts()[state] for state in CLAIMABLE):
                raise
            _log.warning("%s; going on with what the ledger knows", error)
            reason = f"the archive could not be scanned: {error}"
            if isinstance(error, UnavailableError):
                return Outcome(_NOT_SCANNED, unfinished=reason)
            return Outcome(_NOT_SCANNED, error=reason)
        for note in self._access.notes:
            _log.warning("%s", note)
        for line in str(result).splitlines():
            _log.info("%s", line)
        return None

    def stage(self, inner: RecordingSource, known: Sequence[LedgerUnit]) -> StagedSource:
        """Have the light curves of a source's units downloaded before they are given out.

        Parameters
        ----------
        known : sequence of LedgerUnit
            All units, as they were when the job began.
        """
        return StagedSource(
            inner,
            self._access.open_stager(known_good(known)),
            self._config.output.directory,
            ahead=self._config.archive.ahead,
            min_usable_cadences=self._config.light_curve.min_usable_cadences,
            left_undone=self._left_undone,
        )
