"""The products chosen say which light curve of a star and sector is searched, and it is one."""

from pathlib import Path

import pytest

from cvzmpi.cvz.light_curves.chosen_products import ALL_PRODUCTS, ONLY_SPOC_120, ChosenProducts
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.errors import LightCurveError
from tests.cvz.light_curves.readers import made_files

CHOSEN = ChosenProducts(("spoc-20", "spoc-120", "tess-spoc", "qlp-1800"))


@pytest.mark.parametrize(
    ("product", "place"),
    [
        ("spoc-20", 0),
        ("spoc-120", 1),
        ("tess-spoc-200", 2),
        ("tess-spoc-1800", 2),
        ("qlp-1800", 3),
        ("qlp-200", None),
        ("spoc-200", None),
        ("kepler-1765", None),
    ],
)
def test_a_name_without_seconds_stands_for_all_exposures(product, place):
    assert CHOSEN.place(product) == place


def test_the_first_of_the_list_is_the_best_and_then_the_shorter_exposure():
    products = ("qlp-1800", "tess-spoc-1800", "tess-spoc-600", "spoc-120", "spoc-20", "kepler-59")
    light_curves = [LightCurveId(7, 1, product) for product in products]
    by_place = sorted(light_curves, key=CHOSEN.order)
    assert [one.product for one in by_place] == [
        *("spoc-20", "spoc-120", "tess-spoc-600", "tess-spoc-1800", "qlp-1800", "kepler-59"),
    ]
    assert CHOSEN.best(light_curves) == by_place[0]


def test_worse_ones_are_those_of_the_same_star_and_sector_alone():
    best, other = LightCurveId(7, 1, "spoc-20"), LightCurveId(7, 1, "tess-spoc-600")
    alone = [
        LightCurveId(7, 2, "tess-spoc-600"),
        LightCurveId(8, 1),
        LightCurveId(7, 1, "kepler-1765"),  # another star: of another catalogue
        LightCurveId(7, 1, "k2-1765"),
    ]
    assert CHOSEN.worse([other, *alone, best]) == {other: best}


def test_a_product_that_is_not_chosen_is_one_line():
    with pytest.raises(LightCurveError) as caught:
        ONLY_SPOC_120.check(Path("a.fits"), LightCurveId(7, 1, "qlp-600"))
    assert str(caught.value) == (
        "a.fits: a light curve of qlp-600, expected spoc-120 (input.products)"
    )
    ALL_PRODUCTS.check(Path("a.fits"), LightCurveId(7, 1, "qlp-600"))


@pytest.mark.parametrize(
    ("products", "taken"),
    [
        (["spoc-20", "spoc-120", "tess-spoc"], "spoc-20"),
        (["spoc-120", "spoc-20", "tess-spoc"], "spoc-120"),
        (["tess-spoc", "spoc"], "tess-spoc-600"),
        (["spoc", "tess-spoc"], "spoc-20"),  # the shorter of two that one name stands for
    ],
)
def test_a_directory_has_one_light_curve_of_a_star_and_sector_the_best(tmp_path, products, taken):
    files = {f"{seconds}.fits": seconds for seconds in (20, 120, 600)}
    for name, seconds in files.items():
        made_files.spoc(tmp_path / name, seconds)
    sources, rejected = scan_directory(tmp_path, products=ChosenProducts(tuple(products)))
    (source,) = sources
    assert rejected == []
    assert source.id == LightCurveId(261136679, 27, taken)
    others = set(files) - {source.path.name}
    assert {other.path.name for other in source.other_products} == others
    assert source.others == ()  # a file of another product is never read in its place
    for other in source.other_products:
        assert other.reason.endswith(f"-{files[other.path.name]}; {source.path} is taken, {taken}")
