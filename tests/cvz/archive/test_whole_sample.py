"""The whole sample: 20,000 stars with all products, from as many requests as there are listings."""

from collections import Counter

import numpy as np
import pytest

from cvzmpi.cvz.commands.archive import open_ledger, scan_targets
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product_kinds import FAST, KINDS, QLP, TESS_SPOC, TWO_MINUTES
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from cvzmpi.ledger import State

N_STARS, FIRST_TIC = 20_000, 1_000_000
SECTORS = range(14, 40)
"""Two years: one before light curves of 20 s and full-frame images of 10 minutes, one with them."""
BEST_FIRST = (FAST, TWO_MINUTES, TESS_SPOC, QLP)
SHARES = {FAST: 0.05, TWO_MINUTES: 0.6, TESS_SPOC: 0.8, QLP: 0.95}
"""Part of the stars and sectors that a product has."""

pytestmark = pytest.mark.archive


@pytest.fixture(scope="module")
def sample():
    """Which stars have each kind in each sector."""
    draw = np.random.default_rng(19)
    found = {kind: [] for kind in KINDS}
    for number in range(N_STARS):
        tic = FIRST_TIC + number
        for sector in SECTORS:
            for kind, number_drawn in zip(KINDS, draw.random(len(KINDS)), strict=True):
                if number_drawn < SHARES[kind] and sector >= kind.first_sector:
                    found[kind].append((tic, sector))
    return found


def test_each_star_and_sector_is_found_once_with_a_request_for_each_listing(sample, tmp_path):
    products = [product_of(*pair, kind) for kind in KINDS for pair in sample[kind]]
    best = {}
    for kind in reversed(BEST_FIRST):
        best |= dict.fromkeys(sample[kind], kind)
    list_of_stars = tmp_path / "stars.csv"
    list_of_stars.write_text(
        "TICID\n" + "".join(f"{FIRST_TIC + number}\n" for number in range(N_STARS))
    )
    with StandInArchive(Catalog(products, others=1)) as archive:
        config = load(
            None,
            [
                'input.products=["spoc-20", "spoc-120", "tess-spoc", "qlp"]',
                f"archive.targets={list_of_stars}",
                *(f"archive.{name}={value}" for name, value in archive.addresses().items()),
                f"archive.scratch={tmp_path}/scratch",
                f"output.directory={tmp_path}/output",
                "archive.requests_per_second=100",
            ],
        )
        first, _ = scan_targets(config, pytest.fail)
        requests = Counter(archive.counts.requested(""))
        n_listings = sum(SECTORS[-1] - kind.first_sector + 1 for kind in KINDS)
        # two more of each kind, to know where it ends
        assert len(requests) == n_listings + 2 * len(KINDS)
        assert set(requests.values()) == {1}

        archive.counts.requests.clear()
        again, _ = scan_targets(config, pytest.fail)
        assert len(archive.counts.requests) == 2 * len(KINDS)
    assert (first.n_targets, first.n_light_curves, first.n_new) == (N_STARS, len(best), len(best))
    assert (again.n_new, again.n_changed) == (0, 0)
    of_kind = Counter(kind.product_in(sector) for (_, sector), kind in best.items())
    assert first.of_product == of_kind
    with open_ledger(config) as ledger:
        names = {unit.name for unit in ledger.units(states=[State.QUALIFIED, State.NOT_QUALIFIED])}
    assert len(names) == len(best)
    units = map(LightCurveId.of_unit, names)
    assert {(unit.tic, unit.sector): unit.product for unit in units} == {
        pair: kind.product_in(pair[1]) for pair, kind in best.items()
    }
