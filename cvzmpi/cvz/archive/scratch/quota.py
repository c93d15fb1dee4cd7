"""The room in scratch: what the light curves there take, and those that are on their way."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from cvzmpi.cvz.archive.scratch.scratch import Scratch, ScratchError
from cvzmpi.cvz.light_curves.product import Product

USUAL_SIZE = 2_100_000
"""Bytes that a light curve is reckoned with until it is there (1.8 to 2.0 MB are usual)."""


class Room:
    """Keeps account of the bytes in scratch, also of what others left there; for all threads.

    Parameters
    ----------
    scratch : Scratch
    limit : float
        Bytes that may be there.
    """

    def __init__(self, scratch: Scratch, limit: float) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self._sizes = dict(scratch.products())
        self._taken = sum(self._sizes.values())

    def products(self) -> list[Product]:
        """All that is there or on its way."""
        with self._lock:
            return list(self._sizes)

    def has_room(self, product: Product | None = None) -> bool:
        """Whether a product fits in; without it, whether one does that is not there yet."""
        with self._lock:
            return product in self._sizes or self._taken + USUAL_SIZE <= self._limit

    def reserve(self, product: Product) -> None:
        """Reckon with a product."""
        with self._lock:
            if product not in self._sizes:
                self.fill(product, USUAL_SIZE)

    def within(self, product: Product, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The content of a product on its way, for as long as there is room.

        Raises
        ------
        ScratchError
            When it is larger than usual, and more than there is room for.
        """
        size = 0
        for chunk in chunks:
            size += len(chunk)
            with self._lock:
                more = size - self._sizes.get(product, 0)
                if more > 0:
                    if size > USUAL_SIZE and self._taken + more > self._limit:
                        raise ScratchError(
                            f"{product.name}: no room for more than its first {size:,} bytes "
                            "(archive.scratch_gb)"
                        )
                    self.fill(product, size)
            yield chunk

    def fill(self, product: Product, size: int) -> None:
        """A product is there."""
        with self._lock:
            self._taken += size - self._sizes.get(product, 0)
            self._sizes[product] = size

    def free(self, product: Product) -> None:
        """A product is not there any more, or does not come."""
        with self._lock:
            self._taken -= self._sizes.pop(product, 0)
