"""A Level 2 campaign: its configuration, its ledger, and the steps that programs go through.

What belongs to the inversion in bulk is imported where it is needed: it brings NumPy and HDF5, and
with a parallel HDF5 MPI, of which the other steps and the service know nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from cvzmpi.ledger import Job, Ledger
from cvzmpi.ledger.records import now as present
from cvzmpi.level2.configuration import STORE_AUTHORIZATION, Level2Config, secret, store_url
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.product import inbox, publish
from cvzmpi.level2.product.transfer import LocalCopy
from cvzmpi.level2.programs import qualify, scan
from cvzmpi.level2.programs.catalogue import Catalogue

if TYPE_CHECKING:
    from cvzmpi.level2.inversion.preparation import PreparationReport
    from cvzmpi.level2.product.inbox import Dropped
    from cvzmpi.level2.product.publish import Published
    from cvzmpi.level2.programs.qualify import QualifyReport
    from cvzmpi.level2.programs.scan import ScanReport


class Level2Steps:
    """The steps, as the configuration has them.

    Parameters
    ----------
    config : Level2Config
    ledger : Ledger
    """

    def __init__(self, config: Level2Config, ledger: Ledger) -> None:
        self.config = config
        self.ledger = ledger
        self.catalogue = Catalogue(ledger)

    @classmethod
    @contextmanager
    def open(cls, config: Level2Config, *, create: bool = True) -> Iterator[Level2Steps]:
        """Open the ledger for as long as the context lasts.

        Parameters
        ----------
        config : Level2Config
        create : bool
            Whether the ledger is made where it is not there.

        Raises
        ------
        LedgerError
        """
        with Ledger.open(config.ledger.location, create=create) as ledger:
            yield cls(config, ledger)

    def scan(self, job: Job, proposals: Sequence[str] = ()) -> ScanReport:
        """Bring what the metadata store says into the catalogue and the ledger."""
        with self._store() as store:
            return scan.scan(store, self.catalogue, job, proposals=proposals)

    def qualify(self, job: Job, now: datetime | None = None) -> QualifyReport:
        """Evaluate the criteria for the programs that are complete."""
        settings = self.config.qualify
        return qualify.qualify(
            self.catalogue, job, settings.thresholds, settings.quiet_days, now or present()
        )

    def empty_inbox(self, job: Job) -> list[Dropped]:
        """Accept or reject what the science team dropped."""
        return inbox.empty_inbox(self.catalogue, job, self.config.inbox.directory)

    def preprocess(self, job: Job) -> PreparationReport:
        """Prepare the programs whose Level 1 data are here."""
        from cvzmpi.level2.inversion.preparation import prepare_programs

        return prepare_programs(
            self.catalogue,
            job,
            self.config.level1.directory,
            self.config.maps.prepared,
            self.config.preprocess,
        )

    def publish(self, job: Job) -> list[Published]:
        """Publish all that is inverted."""
        settings = self.config.publish
        with self._store() as store:
            publisher = publish.Publisher(
                store, LocalCopy(settings.destination), settings.bucket, settings.staging
            )
            return publish.publish_all(self.catalogue, job, publisher)

    @contextmanager
    def _store(self) -> Iterator[MetadataStore]:
        settings = self.config.store
        store = MetadataStore(
            store_url(self.config),
            secret(STORE_AUTHORIZATION),
            timeout=settings.timeout,
            retries=settings.retries,
        )
        try:
            yield store
        finally:
            store.close()
