"""The archive as the configuration of a campaign describes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from cvzmpi.cvz.archive.http.client import MEGABYTE, ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.lightkurve_search import LightkurveSearch
from cvzmpi.cvz.archive.listings.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings.sector_listings import SectorListings, SectorRange
from cvzmpi.cvz.archive.scratch.download import Downloader, PlainDownloader
from cvzmpi.cvz.archive.scratch.quota import ScratchQuota
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.archive.scratch.stager import Stager
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.product import Product, bucket_endpoint


class ArchiveAccess:
    """Finds and fetches light curves, within the limits of the configuration.

    Parameters
    ----------
    say : callable
        Takes a line when the archive is waited for.

    Attributes
    ----------
    notes : list of str
        Lines about the listings, for the user.
    unseen : str, optional
        The reason why new sectors could not be looked for; None where they could.

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
        self._scratch = Scratch(settings.scratch, config.light_curve.quality_bitmask)
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
        known : collection of Product
            Those that the archive has had: their sectors must be there.

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

    def open_stager(self, known_good: Product | None) -> Stager:
        """Start the threads that fetch.

        Parameters
        ----------
        known_good : Product, optional
            A product that the archive gave at another time.
        """
        settings = self._settings
        quota = ScratchQuota(self._scratch, settings.scratch_gb * 1e9)
        self._scratch.remove_old_parts(2 * settings.transfer_timeout)
        downloader: Downloader = self._search or PlainDownloader(
            self._client, settings.address, settings.max_light_curve_mb * MEGABYTE, quota
        )
        return Stager(
            downloader,
            self._scratch,
            settings.connections,
            settings.give_up_after,
            known_good,
            quota,
        )

    def close(self) -> None:
        """End all requests and downloads."""
        if self._search is not None:
            self._search.stop()
        self._client.stop()
