"""The archive as the configuration of a campaign describes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from cvzmpi.cvz.archive.asked_kinds import asked_kinds, sectors_not_asked
from cvzmpi.cvz.archive.http.client import MEGABYTE, ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.lightkurve_search import LightkurveSearch
from cvzmpi.cvz.archive.listings.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings.sector_listings import SectorListings
from cvzmpi.cvz.archive.listings.sector_range import (
    MISSING_AT_END,
    SECTORS_OF_A_YEAR,
    SectorRange,
)
from cvzmpi.cvz.archive.scratch.download import Downloader, PlainDownloader
from cvzmpi.cvz.archive.scratch.quota import ScratchQuota
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.archive.scratch.stager import Stager
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.product import Product, bucket_endpoint, usual_size
from cvzmpi.cvz.light_curves.product_kinds import ProductKind


class ArchiveAccess:
    """Finds and fetches light curves, within the limits of the configuration.

    Parameters
    ----------
    say : callable
        Takes a line when the archive is waited for.

    Attributes
    ----------
    chosen : ChosenProducts
        The products that are asked for.
    notes : list of str
        Lines about the listings, for the user.
    unseen : str, optional
        The reason why new sectors could not be looked for; None where they could.

    Raises
    ------
    ConfigError
        If lightkurve is to search where it cannot, a bucket is looked for at no address, or the
        archive does not have a product that is chosen.
    """

    def __init__(self, config: Config, say: Callable[[str], None]) -> None:
        self._settings = settings = config.archive
        self.chosen = ChosenProducts.of(config)
        self._kinds = asked_kinds(self.chosen)
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
                self._client,
                settings.address,
                settings.max_light_curve_mb * MEGABYTE,
                self.chosen,
            )

    def products(self, tics: Collection[int], known: Collection[Product] = ()) -> Iterator[Product]:
        """The light curves of some stars, kind after kind.

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
        last_found = 0
        for kind in self._kinds:
            sectors = frozenset(product.sector for product in known if product.kind is kind)
            listings = self._listings(kind, sectors, last_found)
            yield from listings.products(tics)
            last_found = max(last_found, listings.last_found)
            self.notes += listings.notes
            self.unseen = self.unseen or listings.unseen

    def _listings(
        self, kind: ProductKind, known: frozenset[int], last_of_others: int
    ) -> SectorListings:
        settings = self._settings
        not_asked = sectors_not_asked(kind, self.chosen, settings.last_sector)
        has_missions_own = any(kind.of_every_sector for kind in self._kinds)
        return SectorListings(
            self._client,
            getattr(settings, kind.listings),
            KeptListings(settings.scratch / "listings", settings.listings_max_age, kind),
            SectorRange(
                last=settings.last_sector,
                absent=not_asked | frozenset(settings.absent_sectors),
                known=known,
                at_least=0 if kind.of_every_sector else last_of_others,
                n_missing_at_end=MISSING_AT_END if has_missions_own else SECTORS_OF_A_YEAR,
            ),
            settings.max_listing_mb * MEGABYTE,
        )

    def open_stager(self, known_good: Product | None) -> Stager:
        """Start the threads that fetch.

        Parameters
        ----------
        known_good : Product, optional
            A product that the archive gave at another time.
        """
        settings = self._settings
        largest = max(usual_size(product) for kind in self._kinds for product in kind.products)
        quota = ScratchQuota(self._scratch, settings.scratch_gb * 1e9, largest)
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
