"""The way of a newcomer without data: simulated maps are inverted and drawn, all but published."""

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.campaigns import MapCampaign, find_prepared
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.launch import World
from cvzmpi.scheduler import job
from cvzmpi.scheduler.progress import ProgressDisplay


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        outcome = CliRunner().invoke(cli, ["level2", *arguments], standalone_mode=False)
        if outcome.exception is not None:
            raise outcome.exception
        return outcome.output.split()

    return call


def test_a_simulated_map_is_inverted_and_drawn_and_why_it_has_no_product_is_one_line(
    call, tmp_path
):
    (prepared,) = call("simulate", "prepared", "--steps", "2", "--slit", "4")
    campaign = MapCampaign(find_prepared(tmp_path / "prepared"), tmp_path, InversionSettings())
    job.run(campaign, World.alone(), ProgressDisplay("map", campaign.step_name))
    inverted = "SIM000.inverted.h5"
    assert inversion_file.read(tmp_path / inverted).status.all()
    assert call("plot", inverted, "--output", "maps.png") == ["maps.png"]
    product = ("--output", "product", "--inversion-id", "inv.ABC123")
    with pytest.raises(MapFileError, match="prepared from no Level 1 dataset, as simulated maps"):
        call("write", ".", prepared, inverted, *product)
    assert not (tmp_path / "product").exists()
