"""The steps that programs go through in a Level 2 campaign, with its configuration and ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from cvzmpi.extras import require
from cvzmpi.ledger import Job, Ledger
from cvzmpi.ledger.records import now as present
from cvzmpi.level2.configuration import (
    BUS_PASSWORD,
    STORE_AUTHORIZATION,
    Level2Config,
    secret,
    store_url,
)
from cvzmpi.level2.fetching.fetch import FetchReport, fetch_programs
from cvzmpi.level2.handing_in.hand_in import HandInSettings, hand_in
from cvzmpi.level2.handing_in.inbox import Dropped, empty_inbox
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.interservice_bus.bus import InterserviceBus
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion
from cvzmpi.level2.programs.qualify import QualifyReport, qualify
from cvzmpi.level2.programs.scan import ScanReport, scan
from cvzmpi.level2.publication.publish import Published, Publisher, publish_all
from cvzmpi.level2.transfers.drivers import level1_driver, publication_driver
from cvzmpi.runtime.job_log import failures_logged

if TYPE_CHECKING:
    from cvzmpi.level2.inversion.preparation import PreparationReport


class Level2Steps:
    """The steps, with the settings of a configuration."""

    def __init__(self, config: Level2Config, ledger: Ledger) -> None:
        self.config = config
        self.ledger = ledger
        self.catalogue = Catalogue(ledger)

    @classmethod
    @contextmanager
    def open(cls, config: Level2Config, *, create: bool = True) -> Iterator[Level2Steps]:
        """Open the ledger for as long as the context lasts; unforeseen errors are logged.

        Parameters
        ----------
        create : bool
            Whether a ledger that is missing is made.

        Raises
        ------
        LedgerError
        """
        with (
            failures_logged(config.logs()),
            Ledger.open(config.ledger_location(), create=create) as ledger,
        ):
            yield cls(config, ledger)

    def scan(self, job: Job, proposals: Sequence[str] = ()) -> ScanReport:
        """Bring the rows of the metadata store into the catalogue and the ledger."""
        with self._store() as store:
            return scan(store, self.catalogue, job, proposals=proposals)

    def qualify(self, job: Job, now: datetime | None = None) -> QualifyReport:
        """Evaluate the criteria for the programs that are complete."""
        settings = self.config.qualify
        return qualify(
            self.catalogue, job, settings.thresholds, settings.quiet_days, now or present()
        )

    def hand_in(self, job: Job, ready: ReadyEvent) -> Inversion:
        """Accept a result of the science team."""
        return hand_in(self.catalogue, job, ready, self._hand_in_settings)

    def empty_inbox(self, job: Job) -> list[Dropped]:
        """Accept or reject the ready events in the inbox."""
        directory = self.config.inbox.directory
        return empty_inbox(self.catalogue, job, directory, self._hand_in_settings)

    def preprocess(self, job: Job) -> PreparationReport:
        """Prepare the programs whose Level 1 data are here."""
        # It loads NumPy and HDF5, and MPI with a parallel HDF5, which the service must not.
        from cvzmpi.level2.inversion.preparation import prepare_programs

        level1, maps = self.config.level1.directory, self.config.maps
        settings, inversion = self.config.preprocess, self.config.inversion
        return prepare_programs(
            self.catalogue, job, level1, maps.prepared, settings, inversion, maps.calcium
        )

    def fetch(
        self, job: Job, programs: Sequence[str] = (), stop: Callable[[], bool] = lambda: False
    ) -> FetchReport:
        """Bring the Level 1 data of the invertible programs, as `fetch_programs` does.

        Parameters
        ----------
        programs : sequence of str
            Only the data of these.
        stop : callable
            Asked again and again: True ends it.

        Raises
        ------
        ConfigError
            If no service is set that brings them.
        """
        driver, settings = level1_driver(self.config), self.config.level1
        return fetch_programs(self.catalogue, job, driver, settings, programs, stop)

    def publish(self, job: Job) -> list[Published]:
        """Publish all programs that are inverted."""
        settings = self.config.publish
        driver = publication_driver(self.config)
        with self._store() as store:
            publisher = Publisher(
                store,
                driver,
                settings.staging,
                self.config.level1.directory,
                self._bus(),
                settings.bucket,
                settings.embargoed,
                self.config.disambiguation.method,
            )
            return publish_all(self.catalogue, job, publisher)

    @property
    def _hand_in_settings(self) -> HandInSettings:
        return HandInSettings(self.config.level1.directory, self.config.handing_in.repository)

    def _bus(self) -> InterserviceBus | None:
        settings = self.config.bus
        if not settings.url:
            return None
        require("pika")
        return InterserviceBus(**settings.model_dump(), password=secret(BUS_PASSWORD))

    def _store(self) -> closing[MetadataStore]:
        settings = self.config.store
        return closing(
            MetadataStore(
                store_url(self.config),
                secret(STORE_AUTHORIZATION),
                settings.timeout,
                settings.retries,
            )
        )
