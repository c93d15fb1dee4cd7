"""The product that is searched of each star and sector, of all that the archive has.

It is the best by the order of `input.products`. Where the ledger has a unit of one that is not as
good, since the better one came later or the setting was another:

- One whose light curve was fetched, or that a job has now, stays: it is searched, or was, and the
  better one is not added. So does one that failed: it is tried again as any other.
- One that nobody began is passed over: it does not qualify any more, and the better one is added.

One of a product that is not in the setting any more holds its star and sector as long as it is
begun, done or failed. Whether it was fetched does not matter: nothing was computed of it. So does
one with a sector file, also where the ledger does not know it: that may be lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.ledger import State

OPEN = (State.DISCOVERED, State.QUALIFIED, State.NOT_QUALIFIED)
"""As long as its light curve has not been fetched, a star is judged again."""

FETCHED = (State.PREPROCESSED, State.DONE, State.PUBLISHED)
"""States after the light curve was fetched, and nothing failed."""

_WAITING = (State.DISCOVERED, State.QUALIFIED)
_FETCHED_OR_WAITING = (*_WAITING, State.PREPROCESSED)


class BestProducts:
    """Chooses one product of each star and sector.

    Parameters
    ----------
    states : mapping
        Of the units in the ledger, by name.
    begun : collection of str
        The units that jobs have now, and those that are half done.
    present : iterable of LightCurveId
        The light curves that have a sector file.
    """

    def __init__(
        self,
        chosen: ChosenProducts,
        states: Mapping[str, State],
        begun: Collection[str],
        present: Iterable[LightCurveId],
    ) -> None:
        self._chosen = chosen
        self._states = dict(states)
        self._begun = set(begun)
        self._of_star: dict[int, dict[int, Product]] = defaultdict(dict)
        self._places: dict[str, tuple[int, int]] = {}  # by product: smaller for a better one
        self._worse: dict[str, Product] = {}  # those in the ledger, by unit
        self._not_chosen: dict[str, Product] = {}  # those in the ledger, by unit
        # by star and sector: a product that holds it, and need not be chosen or in the archive
        self._held: dict[tuple[int, int], str] = {}
        for light_curve in present:
            if light_curve.catalogue != "TIC":
                continue  # the number of another star
            self._begun.add(light_curve.name)
            self._held[light_curve.tic, light_curve.sector] = light_curve.product

    def add(self, product: Product) -> None:
        """Take note of a product; of two with one name, the last one counts."""
        if product.product not in self._places:
            self._places[product.product] = self._chosen.order(product.id)
        if self._places[product.product][0] >= len(self._chosen.names):
            self._add_not_chosen(product)
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

    def _add_not_chosen(self, product: Product) -> None:
        name = product.id.name
        if self._is_begun(name) and not self._waits(name, _FETCHED_OR_WAITING):
            self._held[product.tic, product.sector] = product.product
        else:
            self._not_chosen[name] = product

    def of_star(self, tic: int) -> Mapping[int, Product]:
        """The best of a star's chosen products by sector, whether another holds the sector or not.

        By these sectors a star is judged.
        """
        return self._of_star.get(tic, {})

    def searched(self, tic: int) -> Iterator[Product]:
        """Those `of_star` that are searched, by sector."""
        of_sector = self.of_star(tic)
        return (of_sector[s] for s in sorted(of_sector) if self._holder(of_sector[s]) is None)

    def passed_over(self) -> Iterator[tuple[str, str]]:
        """Units in the ledger that wait, and are not to be searched: names, and why not."""
        for name, product in self._worse.items():
            best = self._of_star[product.tic][product.sector]
            if self._waits(name):
                searched = self._holder(best) or best.product
                yield name, f"searched as {searched} (input.products)"
        for (tic, sector), product_name in self._held.items():
            best_chosen = self.of_star(tic).get(sector)
            if best_chosen is not None and self._waits(best_chosen.id.name):
                yield best_chosen.id.name, f"searched as {product_name} already"
        for name, product in self._not_chosen.items():
            if self._waits(name, _FETCHED_OR_WAITING):
                yield name, f"{product.product} is not in input.products"

    def note_closed(self, name: str) -> None:
        """Take note that a unit that was to be passed over is closed."""
        self._states[name] = State.NOT_QUALIFIED

    def note_begun(self, name: str) -> None:
        """Take note that a unit that was to be passed over is begun: it stays."""
        self._begun.add(name)
        if name in self._worse:
            self.add(self._worse.pop(name))
        elif name in self._not_chosen:
            self.add(self._not_chosen.pop(name))

    def _rank(self, product: Product) -> tuple[bool, int, int]:
        """Smaller for one that is to be searched rather than another."""
        return (not self._is_begun(product.id.name), *self._places[product.product])

    def _is_begun(self, name: str) -> bool:
        state = self._states.get(name)
        return name in self._begun or (state is not None and state not in OPEN)

    def _waits(self, name: str, waiting: Collection[State] = _WAITING) -> bool:
        return self._states.get(name) in waiting and name not in self._begun

    def _holder(self, product: Product) -> str | None:
        """The product that is held to in place of this one; None if there is none."""
        holder = self._held.get((product.tic, product.sector))
        return None if holder is None or self._is_begun(product.id.name) else holder
