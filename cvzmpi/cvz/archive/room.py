"""The room in scratch: what the light curves there take, and those that are on their way."""

from __future__ import annotations

from cvzmpi.cvz.archive.product import Product
from cvzmpi.cvz.archive.scratch import Scratch

USUAL_SIZE = 2_100_000
"""Bytes that a light curve is reckoned with until it is there (1.8 to 2.0 MB are usual)."""


class Room:
    """Keeps account of the bytes in scratch, also of what others left there.

    Parameters
    ----------
    scratch : Scratch
    limit : float
        Bytes that may be there.
    """

    def __init__(self, scratch: Scratch, limit: float) -> None:
        self._limit = limit
        self._sizes = dict(scratch.products())
        self._taken = sum(self._sizes.values())

    def products(self) -> list[Product]:
        """All that is there or on its way."""
        return list(self._sizes)

    def has_room(self, product: Product | None = None) -> bool:
        """Whether a product fits in; without it, whether one does that is not there yet."""
        return product in self._sizes or self._taken + USUAL_SIZE <= self._limit

    def reserve(self, product: Product) -> None:
        """Reckon with a product."""
        if product not in self._sizes:
            self.fill(product, USUAL_SIZE)

    def fill(self, product: Product, size: int) -> None:
        """A product is there."""
        self._taken += size - self._sizes.get(product, 0)
        self._sizes[product] = size

    def free(self, product: Product) -> None:
        """A product is not there any more, or does not come."""
        self._taken -= self._sizes.pop(product, 0)
