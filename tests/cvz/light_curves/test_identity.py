"""The identity of a light curve: what is named after it, and what is not."""

from pathlib import Path

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId, is_identity
from cvzmpi.cvz.product_names import SPOC_120
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
        "0_1",
        "1_0",
        "1_10000",
        "10000000000000000_1",
        "1_1_",
        "1_1_spoc",
        "1_1_spoc-",
        "1_1_spoc--20",
        "1_1_-20",
        "1_1_20",
        "1_1_SPOC-20",
        "1_1_spoc_20",
        "1_1_spoc-20.5",
        "1_1_spoc-20\n",
        "1_1_../spoc-20",
        "1_1_spoc-120",  # its name is 1_1: no light curve has two
        "1_0_spoc-20",
        "1_10000_kepler-1765",
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
    assert light_curve == LightCurveId(9000000008, 26, "spoc-120")


@pytest.mark.parametrize(
    ("light_curve", "name", "words"),
    [
        (LightCurveId(7, 27, "spoc-20"), "7_27_spoc-20", "TIC 7 sector 27 (spoc-20)"),
        (LightCurveId(7, 1, "tess-spoc-1800"), "7_1_tess-spoc-1800", "TIC 7 sector 1 (tess-spoc-"),
        (LightCurveId(7, 1, "qlp-600"), "7_1_qlp-600", "TIC 7 sector 1 (qlp-600)"),
        (LightCurveId(7, 0, "kepler-1765"), "7_0_kepler-1765", "KIC 7 quarter 0 (kepler-1765)"),
        (LightCurveId(7, 3, "kepler-59"), "7_3_kepler-59", "KIC 7 quarter 3 (kepler-59)"),
        (LightCurveId(7, 0, "k2-1765"), "7_0_k2-1765", "EPIC 7 campaign 0 (k2-1765)"),
        (LightCurveId(7, 112, "k2-59"), "7_112_k2-59", "EPIC 7 campaign 112 (k2-59)"),
    ],
)
def test_other_products_than_spoc_at_120_s_are_in_the_name(light_curve, name, words):
    assert light_curve.name == name
    assert LightCurveId.parse(name) == LightCurveId.of_unit(name) == light_curve
    assert str(light_curve).startswith(words)
    assert light_curve.path(Path("out")) == Path("out") / "007" / f"{name}.h5"


def test_stars_of_two_catalogues_with_one_number_are_two_units():
    names = {LightCurveId(7, 1, product).name for product in (SPOC_120, "kepler-1765", "k2-1765")}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("number", "part", "catalogue", "is_one"),
    [
        (1, 1, "TIC", True),
        (1, 0, "TIC", False),
        (1, 0, "KIC", True),
        (1, 0, "EPIC", True),
        (1, -1, "KIC", False),
        (0, 1, "KIC", False),
        (True, 1, "TIC", False),
        (1, True, "TIC", False),
        (1, False, "KIC", False),
        (1.0, 1, "TIC", False),
        ("1", 1, "TIC", False),
        (10**16, 1, "EPIC", False),
        (10**16 - 1, 9999, "EPIC", True),
        (1, 10000, "EPIC", False),
    ],
)
def test_an_identity_is_a_number_and_a_sector_quarter_or_campaign(number, part, catalogue, is_one):
    assert is_identity(number, part, catalogue) == is_one


def test_files_are_spread_over_directories_and_the_sectors_of_a_target_are_together(tmp_path):
    assert LightCurveId(261136679, 1).path(tmp_path) == tmp_path / "679" / "261136679_1.h5"
    assert LightCurveId(9000000001, 13).path(tmp_path) == tmp_path / "001" / "9000000001_13.h5"
    assert LightCurveId(7, 2).path(tmp_path) == tmp_path / "007" / "7_2.h5"
