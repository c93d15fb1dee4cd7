"""The stand-in archive as one starts it to try cvzmpi out."""

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.product_kinds import KINDS
from cvzmpi.cvz.stand_in_archive.__main__ import write_campaign
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation
from cvzmpi.cvz.stand_in_archive.server import StandInArchive


def test_whatever_products_its_campaign_asks_for_it_asks_no_other_archive(tmp_path):
    with StandInArchive(Catalog([], Simulation(2000).content)) as archive:
        write_campaign(tmp_path, [9], 2, archive)
    settings = load(tmp_path / "cvzmpi.toml", []).archive
    assert settings.min_sectors_per_year == 2
    addresses = [settings.address, *(getattr(settings, kind.listings) for kind in KINDS)]
    assert all(address.startswith(archive.address) for address in addresses)
