"""The kinds of light curves that a campaign asks the archive for: setting `input.products`."""

from __future__ import annotations

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.product_kinds import KINDS, ProductKind
from cvzmpi.errors import ConfigError


def asked_kinds(chosen: ChosenProducts) -> tuple[ProductKind, ...]:
    """The kinds of which some sector has a product that is chosen, the mission's own first.

    Raises
    ------
    ConfigError
        If the archive does not have one that is chosen.
    """
    for name in chosen.names:
        one = ChosenProducts((name,))
        if not any(_is_asked(kind, one) for kind in KINDS):
            there = ", ".join(product for kind in KINDS for product in kind.products)
            raise ConfigError(
                f"input.products: {name!r} is nothing that the archive of archive.targets has; "
                f"expected some of {there}, or the same without seconds"
            )
    return tuple(kind for kind in KINDS if _is_asked(kind, chosen))


def sectors_not_asked(kind: ProductKind, chosen: ChosenProducts, last: int) -> frozenset[int]:
    """The sectors up to the last in which a kind has no product that is chosen."""
    return frozenset(
        sector
        for sector in range(1, last + 1)
        if sector < kind.first_sector or chosen.place(kind.product_in(sector)) is None
    )


def _is_asked(kind: ProductKind, chosen: ChosenProducts) -> bool:
    return any(chosen.place(product) is not None for product in kind.products)
