"""The identity of a light curve: what is named after it, and what is not."""

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.work.inventory import CampaignFiles
from cvzmpi.errors import LightCurveError


@pytest.mark.parametrize(
    "name",
    [
        "nonsense",
        "",
        "_",
        "1_",
        "_1",
        "1_1_1",
        "-1_1",
        "1_-1",
        "../../1_1",
        "1_1.h5",
        " 1_1",
        "1_1\n",
        "\u0663_1",
        "\u00b2_1",
        "1" * 5000 + "_1",
    ],
)
def test_what_is_not_named_as_a_light_curve_has_no_file(tmp_path, name):
    assert LightCurveId.parse(name) is None
    assert CampaignFiles(tmp_path).steps(name) == 0
    with pytest.raises(LightCurveError, match="not the name of a light curve"):
        LightCurveId.of_unit(name)


def test_a_light_curve_is_named_by_star_and_sector():
    light_curve = LightCurveId(9000000008, 26)
    assert light_curve.name == "9000000008_26"
    assert LightCurveId.parse(light_curve.name) == light_curve
    assert LightCurveId.of_unit(light_curve.name) == light_curve
    assert str(light_curve) == "TIC 9000000008 sector 26"


def test_files_are_spread_over_directories_and_the_sectors_of_a_target_are_together(tmp_path):
    assert LightCurveId(261136679, 1).path(tmp_path) == tmp_path / "679" / "261136679_1.h5"
    assert LightCurveId(9000000001, 13).path(tmp_path) == tmp_path / "001" / "9000000001_13.h5"
    assert LightCurveId(7, 2).path(tmp_path) == tmp_path / "007" / "7_2.h5"
