"""The quota of scratch: the bytes of the light curves there and of those on their way."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.light_curves.product import Product, usual_size
from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.errors import ScratchError

USUAL_SIZE = usual_size(SPOC_120)
"""Bytes that a 2-minute light curve counts for until it is there."""


class ScratchQuota:
    """Counts the bytes in scratch, with those of other jobs, against a limit; for all threads.

    Parameters
    ----------
    limit : float
        Bytes.
    one_more : int
        Bytes that one more light curve counts for, whichever it is.
    """

    def __init__(self, scratch: Scratch, limit: float, one_more: int = USUAL_SIZE) -> None:
        self._limit = limit
        self._one_more = one_more
        self._lock = threading.RLock()
        self._sizes = dict(scratch.products())
        self._taken = sum(self._sizes.values())

    def products(self) -> list[Product]:
        """All light curves that are there or on their way."""
        with self._lock:
            return list(self._sizes)

    def has_room(self, product: Product | None = None) -> bool:
        """True if a product fits within the limit; without it, if one more does."""
        with self._lock:
            more = self._one_more if product is None else usual_size(product.product)
            return product in self._sizes or self._taken + more <= self._limit

    def reserve(self, product: Product) -> None:
        """Count a product that is asked for, with the usual size."""
        with self._lock:
            if product not in self._sizes:
                self.fill(product, usual_size(product.product))

    def within(self, product: Product, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass on the content of a product that is downloaded, and count its bytes.

        Raises
        ------
        ScratchError
            If it is larger than usual and exceeds the limit.
        """
        size, usual = 0, usual_size(product.product)
        for chunk in chunks:
            size += len(chunk)
            with self._lock:
                more = size - self._sizes.get(product, 0)
                if more > 0:
                    if size > usual and self._taken + more > self._limit:
                        raise ScratchError(
                            f"{product.name}: no room for more than its first {size:,} bytes "
                            "(archive.scratch_gb)"
                        )
                    self.fill(product, size)
            yield chunk

    def fill(self, product: Product, size: int) -> None:
        """Count a product that is there."""
        with self._lock:
            self._taken += size - self._sizes.get(product, 0)
            self._sizes[product] = size

    def free(self, product: Product) -> None:
        """Count a product no more: it was removed, or does not come."""
        with self._lock:
            self._taken -= self._sizes.pop(product, 0)
