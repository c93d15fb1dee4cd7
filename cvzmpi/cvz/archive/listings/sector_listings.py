"""The listings of all sectors, which name every light curve of one kind.

One request for each sector finds the light curves of all targets. Listings are kept, and fetched
again when they are old, since sectors are reprocessed now and then. A listing that was there once,
or whose sector comes before another one, is missing by a fault; others may not exist yet. What
others than the mission make of full-frame images comes in any order: there, a sector may be missing
that never was there, and may be there as another version than is expected. How far the mission is,
its own listings say; where they are not asked for, the end is where a whole year of observation has
none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cvzmpi.cvz.address import has_versions, listing_address
from cvzmpi.cvz.archive.http.answers import (
    Body,
    ForbiddenError,
    NotInArchiveError,
    StoppedError,
)
from cvzmpi.cvz.archive.http.client import ArchiveClient
from cvzmpi.cvz.archive.listings.kept_listings import KeptListing, KeptListings
from cvzmpi.cvz.archive.listings.listing_format import check_listing, names_of_stars
from cvzmpi.cvz.archive.listings.sector_range import SectorRange
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.errors import ArchiveDownError, ArchiveError
from cvzmpi.messages.wording import counted

_NO_SECTOR = 9999
"""The number of no sector; file names have four digits for it."""

_SHRUNK = 0.99
"""A listing with less than this share of the light curves of an earlier one is not all of it."""


class SectorListings:
    """The listings of all sectors, of the kind of light curves that the kept ones are of.

    Parameters
    ----------
    pattern : str
        Address of a listing, as `listing_address` takes it.
    largest : float
        Bytes of a listing; more are not read.

    Attributes
    ----------
    unseen : str, optional
        The reason why new sectors could not be looked for; None where they could.
    last_found : int
        The last sector with a listing; 0 before there is one.
    """

    def __init__(
        self,
        client: ArchiveClient,
        pattern: str,
        kept: KeptListings,
        sectors: SectorRange,
        largest: float,
    ) -> None:
        self.unseen: str | None = None
        self.last_found = 0
        self._client = client
        self._kind = kept.kind
        self._pattern = pattern
        self._kept = kept
        self._sectors = sectors
        self._largest = largest
        self._known = sectors.known | kept.sectors()
        self._last_known = sectors.last_of(self._known)
        self._notes: list[str] = []
        self._old: list[tuple[KeptListing, ArchiveError]] = []
        self._has_forbidden_none = False
        self._down: ArchiveDownError | None = None

    @property
    def notes(self) -> list[str]:
        """Lines for the user, as about old listings that were used for lack of new ones."""
        notes = list(self._notes)
        if self._old:
            kept, error = self._old[0]
            others = (
                f", and those of {counted(n, 'other sector')}" if (n := len(self._old) - 1) else ""
            )
            notes.append(f"{error}; its listing of {kept.days:.0f} days ago is used{others}")
        if self.unseen is not None:
            notes.append(f"{self.unseen}; new sectors cannot be looked for")
        return notes

    def products(self, tics: Collection[int]) -> Iterator[Product]:
        """The light curves of some stars, by sector.

        Of two versions of a light curve, it is the later one.

        Raises
        ------
        ArchiveDownError
            If a listing that must be there can neither be fetched nor is there from earlier.
        ArchiveError
            If there is no listing at all.
        """
        for sector, listing in self._listings():
            found: dict[int, bytes] = {}
            for tic, name in names_of_stars(listing, sector, tics, self._kind):
                found[tic] = max(found.get(tic, b""), name)
            product = self._kind.product_in(sector)
            for tic in sorted(found):
                yield Product(tic, sector, found[tic].decode(), product)

    def _listings(self) -> Iterator[tuple[int, bytes]]:
        missing: list[tuple[int, ArchiveError]] = []
        at_least = max(self._sectors.at_least, self._last_known)
        for sector in range(1, self._sectors.last + 1):
            if sector in self._sectors.absent:
                continue
            try:
                listing = self._listing(sector)
            except (NotInArchiveError, ForbiddenError) as error:
                if self._was_there(sector):
                    raise _must_be_there(
                        sector, error, "it or a later one was there once"
                    ) from error
                missing.append((sector, error))
                if len(missing) >= self._sectors.n_missing_at_end and sector >= at_least:
                    self._end(missing)
                    return
                continue
            except ArchiveDownError as error:
                self._go_without_new(error)
                return
            self.last_found = sector
            self._pass_over(missing)
            missing = []
            yield sector, listing
        if self._sectors.last in self._sectors.absent:  # there was no later one to look for
            if missing:
                self._end(missing)
            return
        self._notes.append(
            f"sectors after {self._sectors.last} are not looked for (archive.last_sector)"
        )

    def _listing(self, sector: int) -> bytes:
        """The listing of a sector."""
        kept = self._kept.read(sector)
        if kept is not None and kept.days <= self._kept.max_age:
            return kept.content
        if kept is not None and self._down is not None:
            self._old.append((kept, self._down))  # it is not waited for once for each sector
            return kept.content
        try:
            address, content, n_light_curves = self._fetched(sector, kept)
        except StoppedError:
            raise
        except ArchiveError as error:
            if kept is None:
                raise
            if isinstance(error, ArchiveDownError) and not isinstance(error, ForbiddenError):
                self._down = error
            self._old.append((kept, error))
            return kept.content
        if kept is not None and n_light_curves < _SHRUNK * kept.n_light_curves:
            self._notes.append(
                f"{address}: lists {counted(n_light_curves, 'light curve')}, and "
                f"{kept.days:.0f} days ago {kept.n_light_curves:,}; those are used "
                f"(if that is right, remove {kept.file})"
            )
            return kept.content
        self._kept.write(sector, content)
        return content

    def _fetched(self, sector: int, kept: KeptListing | None) -> tuple[str, bytes, int]:
        """The listing that the archive has: address, content, and number of light curves.

        It is of no earlier version than the kept one.

        Raises
        ------
        ArchiveError
            That of the version that is expected, where there is none of the other either.
        """
        first, *others = self._addresses(sector, kept)
        try:
            return self._fetch(first, sector)
        except (NotInArchiveError, ForbiddenError) as error:
            if others and isinstance(error, ForbiddenError) and not self._forbids_no_sector():
                raise  # it may be there
            for address in others:
                try:
                    return self._fetch(address, sector)
                except (NotInArchiveError, ForbiddenError):
                    continue
            raise

    def _fetch(self, address: str, sector: int) -> tuple[str, bytes, int]:
        def receive(body: Body) -> tuple[str, bytes, int]:
            content = b"".join(body.chunks)
            return address, content, check_listing(address, sector, content, self._kind)

        return self._client.fetch(address, receive, self._largest)

    def _was_there(self, sector: int) -> bool:
        """True if a listing that is missing now must be there."""
        if self._kind.of_every_sector:
            return sector <= self._last_known
        return sector in self._known and sector <= self._sectors.last

    def _pass_over(self, missing: list[tuple[int, ArchiveError]]) -> None:
        """Go on where sectors before one that is there are missing, if they may be missing.

        Raises
        ------
        ArchiveDownError
            If they must be there, or perhaps are.
        """
        if not missing:
            return
        sector, error = missing[0]
        forbidden = any(isinstance(error, ForbiddenError) for _, error in missing)
        if self._kind.of_every_sector or (forbidden and not self._forbids_what_is_missing()):
            raise _must_be_there(sector, error, f"sector {self.last_found} is there") from error
        numbers = ", ".join(str(sector) for sector, _ in missing)
        self._notes.append(
            f"{self._address(sector)}: no {self._kind.words} in sector {numbers}, and some in later"
        )

    def _end(self, missing: list[tuple[int, ArchiveError]]) -> None:
        """Check that there are really no more sectors."""
        errors = [error for _, error in missing]
        forbidden = next((error for error in errors if isinstance(error, ForbiddenError)), None)
        if not self.last_found:
            error = forbidden or errors[0]
            setting = f"archive.{self._kind.listings}"
            raise type(error)(f"{error}; no sector has a listing there ({setting})")
        if forbidden is not None and not self._forbids_what_is_missing():
            self._go_without_new(forbidden)

    def _forbids_no_sector(self) -> bool:
        """True if the archive forbids what nobody has; asked until it does so."""
        if not self._has_forbidden_none:
            self._has_forbidden_none = self._is_forbidden(_NO_SECTOR)
        return self._has_forbidden_none

    def _is_forbidden(self, sector: int) -> bool:
        try:
            self._client.fetch(self._address(sector), lambda _: None, self._largest)
        except ForbiddenError:
            return True
        except NotInArchiveError:
            pass
        return False

    def _forbids_what_is_missing(self) -> bool:
        """True if the archive forbids files that it does not have, as a public bucket does."""
        if not self._is_forbidden(_NO_SECTOR):
            return False
        for address in self._addresses(self.last_found):  # it is there as one of the versions
            try:
                self._client.fetch(address, lambda _: None, self._largest)
                return True
            except (ForbiddenError, NotInArchiveError):
                continue
        return False

    def _go_without_new(self, error: ArchiveDownError) -> None:
        """Go on without new sectors, if all that are known are there."""
        if self.last_found == 0 or self.last_found != self._last_known:
            raise error
        self.unseen = str(error)

    def _address(self, sector: int) -> str:
        return self._addresses(sector)[0]

    def _addresses(self, sector: int, kept: KeptListing | None = None) -> list[str]:
        """The addresses that a listing may have, the expected one first.

        They are of no earlier version than a kept one.
        Sectors that the mission's own listings do not have are not asked for as another version.
        """
        expected, other = self._kind.versions_in(sector)
        versions = [expected]
        another = sector <= self._sectors.at_least or sector in self._kind.of_version_2
        if has_versions(self._pattern) and another:
            versions.append(other)
            if kept is not None:
                versions = [v for v in versions if v >= kept.version] or versions
        return [listing_address(self._pattern, sector, version) for version in versions]


def _must_be_there(sector: int, error: ArchiveError, why: str) -> ArchiveDownError:
    return ArchiveDownError(
        f"{error}; sector {sector} must be there, since {why} (one that the archive does not have "
        "is named in archive.absent_sectors)"
    )
