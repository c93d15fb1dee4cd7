"""`cvzmpi scan` and `fetch` as the quickstart has them, with a stand-in archive."""

import subprocess

import pytest

from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.cvz.stand_in_archive.server import StandInArchive
from tests.docs.code_blocks import blocks_tested_by, skeleton

N_STARS, N_SECTORS, N_FIT = 5, 2, 7  # so many files fit into scratch


@pytest.fixture
def campaign(tmp_path):
    """A campaign with a list of targets, and an archive that has their light curves."""
    tics = range(9_000_000_001, 9_000_000_001 + N_STARS)
    catalog = Catalog(
        [product_of(tic, 1 + sector) for tic in tics for sector in range(N_SECTORS)],
        Simulation(3000, stamped=True).content,
    )
    size = len(catalog.content(product_of(tics[0], 1)))
    with StandInArchive(catalog) as archive:
        (tmp_path / "stars.csv").write_text("TICID\n" + "".join(f"{tic}\n" for tic in tics))
        (tmp_path / "cvzmpi.toml").write_text(
            f'[archive]\ntargets = "stars.csv"\naddress = "{archive.address}"\n'
            f'listings = "{archive.listings}"\nmin_sectors_per_year = {N_SECTORS}\n'
            f"scratch_gb = {(N_FIT + 0.5) * size / 1e9}\n"
        )
        yield tmp_path


def test_the_commands_print_what_the_page_shows(campaign, documented_environment):
    commands, shown = blocks_tested_by("tests/docs/test_documented_archive.py")
    ended = subprocess.run(
        ["bash", "-euc", commands.text],
        cwd=campaign,
        env=documented_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    for line in shown.text.splitlines():
        assert skeleton(line) in skeleton(ended.stdout), ended.stdout
