"""The products that a campaign searches, the best first: the setting `input.products`.

A target and sector is searched once, as the first of the products in the list that has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.identity import PARTS, LightCurveId
from cvzmpi.cvz.product_names import SPOC_120, catalogue_of, parts_of
from cvzmpi.errors import LightCurveError


@dataclass(frozen=True)
class ChosenProducts:
    """Products by name, the best first; a name without exposure stands for all exposures."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> ChosenProducts:
        """Those of a campaign."""
        return cls(tuple(config.input.products))

    def place(self, product: str) -> int | None:
        """The place of a product in the list; None where it is not to be taken."""
        maker, _ = parts_of(product)
        places = (i for i, name in enumerate(self.names) if name in (product, maker))
        return next(places, None)

    def order(self, light_curve: LightCurveId) -> tuple[int, int]:
        """Smaller for a better one: by the list, and then the shorter exposure."""
        place = self.place(light_curve.product)
        _, seconds = parts_of(light_curve.product)
        return (len(self.names) if place is None else place, seconds)

    def check(self, path: Path, light_curve: LightCurveId) -> None:
        """Refuse a file of another product.

        Raises
        ------
        LightCurveError
        """
        if self.place(light_curve.product) is None:
            raise LightCurveError(
                f"{path}: a light curve of {light_curve.product}, expected {self} (input.products)"
            )

    def best(self, light_curves: Iterable[LightCurveId]) -> LightCurveId:
        """The best of several light curves of one target and sector."""
        return min(light_curves, key=self.order)

    def worse(
        self, light_curves: Iterable[LightCurveId], last: Collection[LightCurveId] = ()
    ) -> dict[LightCurveId, LightCurveId]:
        """The light curves whose target and sector a better product has, each with the best.

        Parameters
        ----------
        light_curves : iterable of LightCurveId
        last : collection of LightCurveId
            Those that are worse than all others, whatever their product.
        """
        of_sector: dict[tuple[str, int, int], list[LightCurveId]] = defaultdict(list)
        for light_curve in light_curves:
            of_sector[light_curve.observed].append(light_curve)
        return {
            other: best
            for several in of_sector.values()
            if len(several) > 1
            for best in [self.best([one for one in several if one not in last] or several)]
            for other in several
            if other != best
        }

    @property
    def least_sector(self) -> int:
        """0 where a product is of Kepler or K2, whose quarters and campaigns begin with it."""
        return 1 if all(catalogue_of(name) == "TIC" for name in self.names) else 0

    def __str__(self) -> str:
        return " or ".join(self.names)


ONLY_SPOC_120 = ChosenProducts((SPOC_120,))

ALL_PRODUCTS = ChosenProducts(
    ("spoc-20", SPOC_120, "tess-spoc", "qlp", "lightkurve", "kepler-59", "kepler", "k2-59", "k2")
)
"""The products of the missions; which is the best where there are results of several, whatever the
order that they were searched in."""


def not_counted(
    light_curves: Iterable[LightCurveId], has_results: Callable[[LightCurveId], bool]
) -> dict[LightCurveId, str]:
    """Those of the results in one directory that are in no index and no rate, each with the reason.

    A target and sector counts once, as the best product that has results. Of stars of several
    catalogues that have the same number, one counts: in the tables of results a number is one star.

    Parameters
    ----------
    light_curves : iterable of LightCurveId
    has_results : callable
        Asked of light curves of whose target and sector there are several.
    """
    light_curves = sorted(light_curves)
    catalogues: dict[int, str] = {}
    for one in sorted(light_curves, key=lambda one: list(PARTS).index(one.catalogue)):
        catalogues.setdefault(one.tic, one.catalogue)
    namesakes = [one for one in light_curves if one.catalogue != catalogues[one.tic]]
    worse = ALL_PRODUCTS.worse(light_curves)
    several = {*worse, *worse.values()}
    worse = ALL_PRODUCTS.worse(several, last=[one for one in several if not has_results(one)])
    return {
        other: f"{best} is searched, and a sector counts once" for other, best in worse.items()
    } | {
        one: f"{catalogues[one.tic]} {one.tic} is searched, and a number is one star"
        for one in namesakes
    }
