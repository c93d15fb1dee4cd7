"""Names of products say the maker and the exposure; the catalogue follows from them."""

import re

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.product_names import PRODUCT_PATTERN, SPOC_120, catalogue_of, product_name


@pytest.mark.parametrize(
    ("maker", "catalogue", "seconds", "name"),
    [
        ("spoc", "TIC", 120, SPOC_120),
        ("spoc", "TIC", 120.0001, SPOC_120),
        ("spoc", "TIC", 20, "spoc-20"),
        ("tess-spoc", "TIC", 1800, "tess-spoc-1800"),
        ("qlp", "TIC", 200, "qlp-200"),
        ("kepler", "KIC", 1765.4629, "kepler-1765"),
        ("kepler", "KIC", 58.84876, "kepler-59"),
        ("kepler", "EPIC", 1765.4629, "k2-1765"),
        ("lightkurve", "TIC", 120, SPOC_120),
        ("lightkurve", "TIC", 600, "lightkurve-600"),
        ("lightkurve", "KIC", 1765.4629, "kepler-lightkurve-1765"),
        ("lightkurve", "EPIC", 120, "k2-lightkurve-120"),
        ("table", "TIC", 120, SPOC_120),
        ("table", "TIC", 900, "table-900"),
        ("spoc", "KIC", 1800, "kepler-spoc-1800"),
        ("My Reader/2.0", "TIC", 120, "my-reader-2-0-120"),
        ("\u00fc", "TIC", 120, "other-120"),
    ],
)
def test_a_product_is_named_by_maker_and_exposure(maker, catalogue, seconds, name):
    assert product_name(maker, catalogue, seconds) == name
    assert catalogue_of(name) == catalogue
    assert re.match(PRODUCT_PATTERN, name)
    light_curve = LightCurveId(7, 3, name)
    assert LightCurveId.parse(light_curve.name) == light_curve


@pytest.mark.parametrize("product", ["keplerian-120", "k2sff-1800", "tess-spoc-600", "qlp-200"])
def test_the_catalogue_is_the_tic_for_all_but_kepler_and_k2(product):
    assert catalogue_of(product) == "TIC"


@pytest.mark.parametrize("name", ["", "-", "Spoc-20", "spoc_20", "spoc-20 ", "spoc--20", "spoc/20"])
def test_what_is_no_name_of_a_product_is_refused(name):
    assert not re.match(PRODUCT_PATTERN, name)
