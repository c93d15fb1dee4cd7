"""Downloads of light curves from the archive into scratch."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from cvzmpi.cvz.archive.http.answers import (
    Body,
    ForbiddenError,
    NotInArchiveError,
    UnusableContentError,
)
from cvzmpi.cvz.archive.http.client import MEGABYTE, ArchiveClient
from cvzmpi.cvz.archive.scratch.quota import ScratchQuota
from cvzmpi.cvz.archive.scratch.scratch import FITS_MAGIC, Scratch, StagedFile
from cvzmpi.cvz.light_curves.product import Product, address_of


class Downloader(Protocol):
    """A way to get a light curve: by plain requests, or with lightkurve's client."""

    def address(self, product: Product) -> str:
        """The address of a product."""
        ...

    def download(self, product: Product, scratch: Scratch) -> StagedFile:
        """Fetch a product and verify it; from several threads at a time.

        Raises
        ------
        ArchiveError
            If it cannot be had.
        ScratchError
            If it cannot be kept.
        """
        ...

    def try_out(self, product: Product) -> None:
        """Check that the archive gives a product; nothing of it is kept.

        Raises
        ------
        ArchiveError
            If it does not.
        """
        ...

    def stop(self) -> None:
        """End all downloads; from another thread."""
        ...


class PlainDownloader:
    """Downloads by plain requests.

    Parameters
    ----------
    base : str
        Address of the archive or of a mirror, see `product.address_of`.
    largest : float
        Bytes of a light curve; more are not read.
    quota : ScratchQuota, optional
        The limit of scratch, also for a single light curve.
    """

    def __init__(
        self,
        client: ArchiveClient,
        base: str,
        largest: float = 64 * MEGABYTE,
        quota: ScratchQuota | None = None,
    ) -> None:
        self._client = client
        self._base = base
        self._largest = largest
        self._quota = quota

    def address(self, product: Product) -> str:
        """The address of a product."""
        return address_of(product, self._base)

    def download(self, product: Product, scratch: Scratch) -> StagedFile:
        """Fetch a product and verify it."""
        address = self.address(product)

        def receive(body: Body) -> StagedFile:
            if self._quota is not None:
                body = replace(body, chunks=self._quota.within(product, body.chunks))
            return scratch.receive(product, body, address)

        try:
            return self._client.fetch(address, receive, self._largest)
        except ForbiddenError as error:
            if self._base.startswith("s3://"):  # so a public bucket says that it has no such object
                raise NotInArchiveError(f"{address}: the bucket does not have it") from error
            raise

    def try_out(self, product: Product) -> None:
        """Check that the archive gives a product."""
        address = self.address(product)

        def receive(body: Body) -> None:
            if not next(body.chunks, b"").startswith(FITS_MAGIC):
                raise UnusableContentError(f"{address}: what came from there is not a FITS file")

        self._client.fetch(address, receive, self._largest)

    def stop(self) -> None:
        """End all downloads."""
        self._client.stop()
