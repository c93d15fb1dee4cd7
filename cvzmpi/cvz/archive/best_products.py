"""The product that is searched of each star and sector, of all that the archive has.

It is the best by the order of `input.products`. Where the ledger has a unit of one that is not as
good, since the better one came later or the setting was another:

- One whose light curve was fetched, or that a job has now, stays: it is searched, or was, and the
  better one is not added. So does one that failed: it is tried again as any other.
- One that nobody began is passed over: it does not qualify any more, and the better one is added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.ledger import State

OPEN = (State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED)
"""As long as its light curve has not been fetched, a star is judged again."""

FETCHED = (State.PREPROCESSED, State.DONE, State.PUBLISHED)
"""States after the light curve was fetched, and nothing failed."""

_WAITING = (State.DISCOVERED, State.QUALIFIED)


class BestProducts:
    """Chooses one product of each star and sector.

    Parameters
    ----------
    states : mapping
        Of the units in the ledger, by name.
    begun : collection of str
        The units that jobs have now, and those that are half done.
    """

    def __init__(
        self, chosen: ChosenProducts, states: Mapping[str, State], begun: Collection[str]
    ) -> None:
        self._chosen = chosen
        self._states = dict(states)
        self._begun = set(begun)
        self._of_star: dict[int, dict[int, Product]] = defaultdict(dict)
        self._places: dict[str, tuple[int, int]] = {}  # by product: smaller for a better one
        self._worse: dict[str, Product] = {}  # those in the ledger, by unit
        self._not_chosen: list[Product] = []

    def add(self, product: Product) -> None:
        """Take note of a product; of two with one name, the last one counts."""
        if product.product not in self._places:
            self._places[product.product] = self._chosen.order(product.id)
        if self._places[product.product][0] >= len(self._chosen.names):
            self._not_chosen.append(product)
            return
        of_sector = self._of_star[product.tic]
        other = of_sector.get(product.sector)
        if other is None or other.product == product.product:
            of_sector[product.sector] = product
            return
        better, worse = sorted((product, other), key=self._rank)
        of_sector[product.sector] = better
        if worse.id.name in self._states:
            self._worse[worse.id.name] = worse

    def of_star(self, tic: int) -> Mapping[int, Product]:
        """The products of a star by sector."""
        return self._of_star.get(tic, {})

    def passed_over(self) -> Iterator[tuple[str, str]]:
        """Units in the ledger that wait, and are not to be searched: names, and why not."""
        for name, product in self._worse.items():
            best = self._of_star[product.tic][product.sector]
            if self._waits(name):
                yield name, f"searched as {best.product} (input.products)"
        for product in self._not_chosen:
            if self._waits(product.id.name):
                yield product.id.name, f"{product.product} is not in input.products"

    def note_closed(self, name: str) -> None:
        """Take note that a unit that was to be passed over is closed."""
        self._states[name] = State.NOT_QUALIFIED

    def note_begun(self, name: str) -> None:
        """Take note that a unit that was to be passed over is begun: it stays."""
        self._begun.add(name)
        if name in self._worse:
            self.add(self._worse.pop(name))

    def _rank(self, product: Product) -> tuple[bool, int, int]:
        """Smaller for one that is to be searched rather than another."""
        name = product.id.name
        state = self._states.get(name)
        is_begun = name in self._begun or (state is not None and state not in OPEN)
        return (not is_begun, *self._places[product.product])

    def _waits(self, name: str) -> bool:
        return self._states[name] in _WAITING and name not in self._begun
