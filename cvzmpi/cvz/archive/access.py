"""The archive as the configuration of a campaign describes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from cvzmpi.cvz.archive.http.client import MEGABYTE, ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.lightkurve_search import LightkurveSearch
from cvzmpi.cvz.archive.listings.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings.listings import SectorListings, SectorRange
from cvzmpi.cvz.archive.scratch.download import Downloader, PlainDownloader
from cvzmpi.cvz.archive.scratch.quota import Room
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.archive.scratch.stager import Stager
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.product import Product, bucket_endpoint


class ArchiveAccess:
    """Finds and fetches light curves; all of it within the same limits.

    Parameters
    ----------
    config : Config
    say : callable
        Is told when the archive is waited for.

    Attributes
    ----------
    scratch : Scratch
    notes : list of str
        What is worth telling about the listings.
    unseen : str, optional
        Why new sectors could not be looked for.

    Raises
    ------
    ConfigError
        If lightkurve is to search where it cannot, or a bucket is looked for at no address.
    """

    def __init__(self, config: Config, say: Callable[[str], None]) -> None:
        self._settings = settings = config.archive
        self._client = ArchiveClient(
            ClientLimits(
                connections=settings.connections,
                requests_per_second=settings.requests_per_second,
                connect_timeout=settings.connect_timeout,
                read_timeout=settings.read_timeout,
                transfer_timeout=settings.transfer_timeout,
                min_bytes_per_second=settings.min_bytes_per_second,
                attempts=settings.attempts,
                longest_pause=settings.longest_pause,
            ),
            say,
        )
        self.scratch = Scratch(settings.scratch, config.light_curve.quality_bitmask)
        self.notes: list[str] = []
        self.unseen: str | None = None
        self._search: LightkurveSearch | None = None
        if settings.address.startswith("s3://"):
            bucket_endpoint()
        if settings.find == "search":
            self._search = LightkurveSearch(
                self._client, settings.address, settings.max_light_curve_mb * MEGABYTE
            )

    def products(self, tics: Collection[int], known: Collection[Product] = ()) -> Iterator[Product]:
        """The light curves of some stars.

        Parameters
        ----------
        tics : collection of int
        known : collection of Product
            That the archive was seen to have: their sectors must be there.

        Raises
        ------
        ArchiveDownError
            If they cannot be found now.
        ArchiveError
            If there is no listing.
        """
        if self._search is not None:
            yield from self._search.products(tics)
            return
        settings = self._settings
        listings = SectorListings(
            self._client,
            settings.listings,
            KeptListings(settings.scratch / "listings", settings.listings_max_age),
            SectorRange(
                last=settings.last_sector,
                absent=frozenset(settings.absent_sectors),
                known=frozenset(product.sector for product in known),
            ),
            settings.max_listing_mb * MEGABYTE,
        )
        yield from listings.products(tics)
        self.notes += listings.notes
        self.unseen = listings.unseen

    def open_stager(self, room: Room, known_good: Product | None) -> Stager:
        """Start the threads that fetch.

        Parameters
        ----------
        room : Room
            In scratch.
        known_good : Product, optional
            One that the archive gave at another time.
        """
        settings = self._settings
        self.scratch.remove_old_parts(2 * settings.transfer_timeout)
        downloader: Downloader = self._search or PlainDownloader(
            self._client, settings.address, settings.max_light_curve_mb * MEGABYTE, room
        )
        return Stager(
            downloader, self.scratch, settings.connections, settings.give_up_after, known_good
        )

    def close(self) -> None:
        """End what is under way."""
        if self._search is not None:
            self._search.stop()
        self._client.stop()
