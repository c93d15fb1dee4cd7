"""Where the file of a unit is, whatever the ledger calls a unit."""

import pytest

from cvzmpi.cvz.work.campaign_files import CampaignFiles, identity, is_light_curve
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
    files = CampaignFiles(tmp_path)
    assert not is_light_curve(name)
    assert files.steps(name) == 0
    with pytest.raises(LightCurveError, match="not the name of a light curve"):
        files.path(name)


def test_a_light_curve_is_named_by_star_and_sector():
    assert identity("9000000008_26") == (9000000008, 26)
