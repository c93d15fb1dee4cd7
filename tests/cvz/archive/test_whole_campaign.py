"""A whole campaign's listings: 14,385 stars, 293,908 light curves, some dozens of requests."""

import random

import pytest

from cvzmpi.cvz.commands.archive import open_ledger, scan_targets
from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, product_of, products_for_targets
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from cvzmpi.ledger import State
from tools.harness import job_process

N_STARS = 14_385
pytestmark = pytest.mark.archive


@pytest.fixture(scope="module")
def target_list(tmp_path_factory):
    """The real list of stars in the continuous viewing zones, or one like it."""
    real = job_process.MPIRUN.parents[2] / "shared" / "data" / "tess_cvz_targets.csv"
    if real.exists():
        return real
    draw = random.Random(1)
    rows = ["TICID,Tmag,RA,Dec,Nsector"]
    for tic in range(N_STARS):
        dec, n_sectors = draw.choice((-67, 67)), draw.randint(13, 28)
        rows.append(f"{1_000_000 + tic},{draw.uniform(6, 18):.2f},90,{dec},{n_sectors}")
    path = tmp_path_factory.mktemp("list") / "tess_cvz_targets.csv"
    path.write_text("\n".join(rows))
    return path


def test_all_is_found_with_a_request_for_each_sector_and_again_only_what_is_new(
    target_list, tmp_path
):
    products = list(products_for_targets(target_list))
    # as many lines in each listing as real ones have, or more
    with StandInArchive(Catalog(products, others=17_000)) as archive:
        config = load(
            None,
            [
                f"archive.targets={target_list}",
                f"archive.address={archive.address}",
                f"archive.listings={archive.listings}",
                f"archive.scratch={tmp_path}/scratch",
                f"output.directory={tmp_path}/output",
            ],
        )
        first, bad_rows = scan_targets(config, pytest.fail)
        assert bad_rows == []
        assert first.n_targets == N_STARS
        assert first.n_new == first.n_light_curves == len(products)
        n_sectors = max(product.sector for product in products)
        assert len(archive.counts.requests) == n_sectors + 2

        archive.counts.requests.clear()
        again, _ = scan_targets(config, pytest.fail)
        assert (again.n_new, again.n_changed) == (0, 0)
        assert len(archive.counts.requests) == 2

        stars = sorted({product.tic for product in products})[:1000]
        archive.catalog.add(product_of(tic, n_sectors + 1) for tic in stars)
        with_new_sector, _ = scan_targets(config, pytest.fail)
        assert (with_new_sector.n_new, with_new_sector.n_changed) == (1000, 0)
    with open_ledger(config) as ledger:
        assert ledger.counts()[State.QUALIFIED] == len(products) + 1000
        new = ledger.units(names=[f"{tic}_{n_sectors + 1}" for tic in stars])
        assert len(new) == 1000
