"""The products of the stand-in archive: their names and content."""

from __future__ import annotations

import csv
import dataclasses
import functools
import re
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import FAST, KINDS, QLP, TWO_MINUTES, ProductKind, place
from cvzmpi.cvz.simulation.other_exposures import with_exposure
from cvzmpi.cvz.simulation.qlp_fits import write_qlp_fits
from cvzmpi.cvz.simulation.simulate import simulate_light_curve
from cvzmpi.cvz.simulation.spoc_fits import BTJD_ZERO, write_spoc_fits

# The sectors that look at one hemisphere and its continuous viewing zone, up to sector 83.
SOUTHERN = (*range(1, 14), *range(27, 40), *range(61, 70))
NORTHERN = (*range(14, 27), 40, 41, *range(47, 56), *range(56, 61), *range(73, 84))

_OTHER_STARS = 9_500_000_000


def name_of(tic: int, sector: int, kind: ProductKind = TWO_MINUTES) -> str:
    """The name of a light curve in the archive's manner."""
    if kind in (TWO_MINUTES, FAST):
        start = BTJD_ZERO + timedelta(days=1325.3 + 27.4 * (sector - 1))
        return f"tess{start:%Y%j%H%M%S}-s{sector:04d}-{tic:016d}-0120{kind.ending}"
    if kind is QLP:
        version = kind.versions_in(sector)[0]
        return f"hlsp_qlp_tess_ffi_s{sector:04d}-{tic:016d}_tess_v{version:02d}_llc.fits"
    return f"hlsp_tess-spoc_tess_phot_{tic:016d}-s{sector:04d}_tess_v1_lc.fits"


def product_of(tic: int, sector: int, kind: ProductKind = TWO_MINUTES) -> Product:
    """The product of a star in a sector."""
    return Product(tic, sector, name_of(tic, sector, kind), kind.product_in(sector))


def _line(product: Product, base: str) -> str:
    """The line of a listing that names a product.

    The mission's are as in its scripts; those of TESS-SPOC and QLP as programs that read theirs
    take them apart (github.com/MultimodalUniverse, `scripts/tess`): with the directories that the
    file goes to, and for QLP in quotes.
    """
    address = f"{base}/api/v0.1/Download/file/?uri={product.uri}"
    if product.kind in (TWO_MINUTES, FAST):
        return f"curl -C - -L -o {product.name} {address}\n"
    directory = place(product.kind.bucket, product.tic, product.sector)
    path = f"{directory.removeprefix(f'mast/hlsp/{product.kind.maker}/')}/{product.name}"
    if product.kind is QLP:
        return f"curl -f --create-dirs --output '{path}' '{address}'\n"
    return f"curl -C - -L --create-dirs -o {path} {address}\n"


class Catalog:
    """The products of the stand-in archive.

    Parameters
    ----------
    content : callable
        Gives the bytes of a product; is called when it is asked for.
    others : int
        Further stars in the listing of every sector up to the last, of which there is no file: a
        real listing has some 20,000 lines, one of QLP a million.
    """

    def __init__(
        self,
        products: Iterable[Product],
        content: Callable[[Product], bytes] | None = None,
        others: int = 0,
    ) -> None:
        self.content = content or Simulation().content
        self._others = others
        self._by_name: dict[str, Product] = {}
        self._by_sector: dict[ProductKind, dict[int, list[Product]]] = {
            kind: defaultdict(list) for kind in KINDS
        }
        self.add(products)

    def add(self, products: Iterable[Product]) -> None:
        """Add products, as of a new sector."""
        for product in products:
            self._by_name[product.name] = product
            self._by_sector[product.kind][product.sector].append(product)

    def __len__(self) -> int:
        return len(self._by_name)

    def find(self, name: str) -> Product | None:
        """The product of this name."""
        return self._by_name.get(name)

    def listing(
        self, sector: int, base: str, kind: ProductKind = TWO_MINUTES, version: int = 0
    ) -> bytes | None:
        """The download script of a sector, with the archive's address; None where there is none.

        Parameters
        ----------
        version : int
            Of the light curves; 0 for a script with those of all.
        """
        if not kind.first_sector <= sector <= max(self._by_sector[kind], default=0):
            return None
        others = (product_of(_OTHER_STARS + n, sector, kind) for n in range(self._others))
        of_version = f"_v{version:02d}_" if version else ""
        lines = [
            _line(product, base)
            for product in (*self.of_sector(sector, kind), *others)
            if of_version in product.name
        ]
        return "".join(["#!/bin/sh\n", *lines]).encode() if lines else None

    def of_sector(self, sector: int, kind: ProductKind = TWO_MINUTES) -> list[Product]:
        """The products of a kind in a sector."""
        return self._by_sector[kind].get(sector, [])

    def of_target(self, tic: int) -> list[Product]:
        """The products of a star."""
        return [product for product in self._by_name.values() if product.tic == tic]


class Simulation:
    """Light curves of invented stars under the archive's names.

    They are a hundred times faster to make when they are `stamped`: all have the measurements of
    one star, but for TIC number and sector in the headers.
    """

    def __init__(self, n_cadences: int = 300, stamped: bool = False) -> None:
        self._n_cadences = n_cadences
        self._stamped = stamped
        self._one_at_a_time = threading.Lock()
        self._simulate = functools.lru_cache(maxsize=1000)(self._simulated)

    def content(self, product: Product) -> bytes:
        """The FITS file of a product."""
        with self._one_at_a_time:
            if not self._stamped:
                return self._simulate(product)
            kind = product.kind
            pattern = self._simulate(
                product_of(1, 1 if kind is TWO_MINUTES else product.sector, kind)
            )
        return _stamp(_stamp(pattern, "TICID", product.tic), "SECTOR", product.sector)

    def _simulated(self, product: Product) -> bytes:
        light_curve, _ = simulate_light_curve(
            product.tic, product.sector, seed=7, n_cadences=self._n_cadences, active=True
        )
        assert light_curve.exposure == EXPOSURE
        seconds = product.kind.seconds_in(product.sector)
        if product.kind is not TWO_MINUTES:
            light_curve = with_exposure(light_curve, seconds, seed=7)
        write = write_qlp_fits if product.kind is QLP else write_spoc_fits
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / product.name
            write(path, light_curve)
            return path.read_bytes()


def _stamp(fits: bytes, keyword: str, value: int) -> bytes:
    """Write a number into all cards of a keyword."""
    card = f"{keyword:8}= "
    return re.sub(rf"{card}[ \d]{{20}}".encode(), f"{card}{value:>20}".encode(), fits)


def products_for_targets(targets: Path) -> Iterator[Product]:
    """Products for a list of targets: each star with its `Nsector` light curves.

    A star has them in the sectors of its hemisphere, the earliest first.
    """
    with targets.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sectors = SOUTHERN if float(row["Dec"]) < 0 else NORTHERN
            for sector in sectors[: int(row["Nsector"])]:
                yield product_of(int(row["TICID"]), sector)


def of_other_star(product: Product) -> Product:
    """A light curve that is not the one."""
    return dataclasses.replace(product, tic=product.tic + 1)
