"""The archive as the configuration of a campaign describes it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cvzmpi.cvz.archive.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.download import Downloader, PlainDownloader
from cvzmpi.cvz.archive.lightkurve_search import LightkurveSearch
from cvzmpi.cvz.archive.listings import SectorListings
from cvzmpi.cvz.archive.product import Product
from cvzmpi.cvz.archive.scratch import Scratch
from cvzmpi.cvz.archive.stager import Stager
from cvzmpi.cvz.configuration import Config


class ArchiveAccess:
    """Finds and fetches light curves; all of it within the same limits.

    Parameters
    ----------
    config : Config

    Attributes
    ----------
    scratch : Scratch
    notes : list of str
        What is worth telling about the listings.
    """

    def __init__(self, config: Config) -> None:
        self._settings = settings = config.archive
        self._client = ArchiveClient(
            ClientLimits(
                connections=settings.connections,
                requests_per_second=settings.requests_per_second,
                connect_timeout=settings.connect_timeout,
                read_timeout=settings.read_timeout,
                transfer_timeout=settings.transfer_timeout,
                attempts=settings.attempts,
                longest_pause=settings.longest_pause,
            )
        )
        self.scratch = Scratch(settings.scratch, config.light_curve.quality_bitmask)
        self.notes: list[str] = []
        self._search: LightkurveSearch | None = None
        if settings.find == "search":
            self._search = LightkurveSearch(self._client, settings.address)

    def products(self, tics: Collection[int]) -> Iterator[Product]:
        """The light curves of some stars.

        Raises
        ------
        ArchiveError
            If they cannot be found.
        """
        if self._search is not None:
            yield from self._search.products(tics)
            return
        listings = SectorListings(
            self._client,
            self._settings.listings,
            self._settings.scratch / "listings",
            self._settings.listings_max_age,
        )
        yield from listings.products(tics)
        self.notes += listings.notes

    def open_stager(self) -> Stager:
        """Start the threads that fetch."""
        settings = self._settings
        self.scratch.remove_old_parts(2 * settings.transfer_timeout)
        downloader: Downloader = self._search or PlainDownloader(self._client, settings.address)
        return Stager(downloader, self.scratch, settings.connections, settings.give_up_after)

    def close(self) -> None:
        """End what is under way."""
        if self._search is not None:
            self._search.stop()
        self._client.stop()
