"""Downloads: how a light curve gets from the archive into scratch."""

from __future__ import annotations

from typing import Protocol

from cvzmpi.cvz.archive.client import ArchiveClient
from cvzmpi.cvz.archive.product import Product, address_of
from cvzmpi.cvz.archive.scratch import Scratch, StagedFile


class Downloader(Protocol):
    """A way to get a light curve: by plain requests, or with lightkurve's client."""

    def address(self, product: Product) -> str:
        """Where it comes from."""
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

    def stop(self) -> None:
        """End what is under way; from another thread."""
        ...


class PlainDownloader:
    """Downloads by plain requests.

    Parameters
    ----------
    client : ArchiveClient
    base : str
        Address of the archive or of a mirror, see `product.address_of`.
    """

    def __init__(self, client: ArchiveClient, base: str) -> None:
        self._client = client
        self._base = base

    def address(self, product: Product) -> str:
        """Where it comes from."""
        return address_of(product, self._base)

    def download(self, product: Product, scratch: Scratch) -> StagedFile:
        """Fetch a product and verify it."""
        address = self.address(product)
        return self._client.fetch(address, lambda body: scratch.receive(product, body, address))

    def stop(self) -> None:
        """End what is under way."""
        self._client.stop()
