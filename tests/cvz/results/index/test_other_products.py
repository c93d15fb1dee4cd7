"""Light curves of several products: each star and sector once, each product by itself."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from mpi4py import MPI

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.indexed_reliability import IndexedReliability
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.index.star_reader import StarReader
from cvzmpi.cvz.results.products.counted_once import not_counted
from cvzmpi.cvz.results.products.star_outcome import outcome_of, star_outcomes
from cvzmpi.cvz.results.views.campaign import Campaign
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, write_unit


def update(output):
    return update_index(output, World(MPI.COMM_SELF))


def rows(output, name="light_curves"):
    return pq.read_table(table_path(output / "index", name)).to_pylist()


def problems(output):
    return {row["path"]: (row["kind"], row["reason"]) for row in rows(output, "problems")}


def test_a_sector_of_two_products_counts_once_as_the_best_has_it(tmp_path):
    for product in ("qlp-120", "tess-spoc-120"):
        write_unit(tmp_path, 1001, 1, product, change=other_events(1))
    write_unit(tmp_path, 1001, 2, "qlp-120", change=other_events(2))
    report = update(tmp_path)
    assert (report.n_light_curves, report.n_flares) == (2, 4)
    found = [(row["sector"], row["product"], row["catalogue"]) for row in rows(tmp_path)]
    assert found == [(1, "tess-spoc-120", "TIC"), (2, "qlp-120", "TIC")]
    (path, (kind, reason)) = problems(tmp_path).popitem()
    assert (path, kind) == ("001/1001_1_qlp-120.h5", "second")
    assert reason == "TIC 1001 sector 1 (tess-spoc-120) is searched, and a sector counts once"
    (outcome,) = star_outcomes(tmp_path, None, {})
    assert outcome.left_out == []
    assert [sector.path.stem for sector in outcome.star.sectors] == [
        "1001_1_tess-spoc-120",
        "1001_2_qlp-120",
    ]


def test_where_the_better_product_comes_later_it_takes_the_place_of_the_other(tmp_path):
    write_unit(tmp_path, 1001, 1, "qlp-120", flares=(400,))
    assert update(tmp_path).n_flares == 1
    write_unit(tmp_path, 1001, 1)
    assert update(tmp_path).n_flares == 2
    assert [row["product"] for row in rows(tmp_path)] == ["spoc-120"]
    LightCurveId(1001, 1).path(tmp_path).unlink()
    assert update(tmp_path).n_flares == 1
    assert problems(tmp_path) == {}


def test_stars_of_two_catalogues_with_one_number_are_not_taken_for_one(tmp_path):
    write_unit(tmp_path, 1001, 2)
    write_unit(tmp_path, 1001, 2, "kepler-120")
    write_unit(tmp_path, 1001, 3, "kepler-120")
    assert update(tmp_path).n_light_curves == 1
    reason = "TIC 1001 is searched, and a number is one star"
    assert problems(tmp_path) == {
        "001/1001_2_kepler-120.h5": ("second", reason),
        "001/1001_3_kepler-120.h5": ("second", reason),
    }
    *left_out, outcome = star_outcomes(tmp_path, None, {})
    assert [item.line for of_star in left_out for item in of_star.left_out] == [
        f"{tmp_path / path}: {reason}" for path in sorted(problems(tmp_path))
    ]
    assert [sector.sector for sector in outcome.star.sectors] == [2]


@pytest.mark.parametrize(
    ("product", "catalogue", "part"), [("kepler-120", "KIC", 0), ("k2-120", "EPIC", 4)]
)
def test_light_curves_of_other_missions_are_indexed(tmp_path, product, catalogue, part):
    path = write_unit(tmp_path, 8002, part, product, change=other_events(1))
    update(tmp_path)
    (row,) = rows(tmp_path)
    assert (row["tic"], row["sector"]) == (8002, part)
    assert (row["catalogue"], row["product"]) == (catalogue, product)
    assert path == tmp_path / row["path"]
    star = StarReader(tmp_path / "index").star(8002)
    made = outcome_of(star.sources(tmp_path)).star
    (from_files,) = star_outcomes(tmp_path, None, {}, pooled=_pooled(tmp_path))
    assert (made.n_true, made.rate) == (from_files.star.n_true, from_files.star.rate)


def _pooled(output):
    return IndexedReliability.read(output, DEFAULT_SEARCH).of


def estimates(output, product):
    """What the index estimates of the light curves and flares of a product."""
    curves = [row for row in rows(output) if row["product"] == product]
    units = {(row["tic"], row["sector"]) for row in curves}
    flares = [row for row in rows(output, "flares") if (row["tic"], row["sector"]) in units]
    names = ("n_true", "n_false", "background_error", "n_pooled")
    return (
        [[row[name] for name in names] for row in curves],
        [(row["reliability"], row["background"]) for row in flares],
    )


def test_light_curves_of_another_product_change_no_reliability(tmp_path):
    for number in range(2):
        write_unit(tmp_path, 1001 + number, 1 + number, change=other_events(number))
    update(tmp_path)
    before = estimates(tmp_path, "spoc-120")
    assert np.isfinite(before[0]).all()
    for number in range(2):
        unit = (2001 + number, 11 + number, "tess-spoc-120")
        write_unit(tmp_path, *unit, change=other_events(number + 1))
    update(tmp_path)
    assert estimates(tmp_path, "spoc-120") == before
    others = estimates(tmp_path, "tess-spoc-120")
    assert others != before
    for tic in (1001, 1002):
        LightCurveId(tic, tic - 1000).path(tmp_path).unlink()
    update(tmp_path)
    assert estimates(tmp_path, "tess-spoc-120") == others


def test_a_quarter_of_kepler_has_no_flares_in_common_with_a_sector_of_tess(tmp_path):
    for number in range(2):
        write_unit(tmp_path, 1001 + number, 7)
        write_unit(tmp_path, 2001 + number, 7, "kepler-120")
    update(tmp_path)
    assert {flare["n_coincident"] for flare in rows(tmp_path, "flares")} == {1}


def test_a_better_product_takes_the_place_of_a_done_one_when_it_is_done_itself(tmp_path):
    write_unit(tmp_path, 1001, 1, "qlp-120")
    better = write_unit(tmp_path, 1001, 1, "tess-spoc-120", n_done=20)
    assert update(tmp_path).n_unfinished == 0
    assert [row["product"] for row in rows(tmp_path)] == ["qlp-120"]
    (outcome,) = star_outcomes(tmp_path, None, {})
    assert [sector.id.product for sector in outcome.star.sectors] == ["qlp-120"]
    better.write_bytes(b"damaged")
    update(tmp_path)
    assert [row["product"] for row in rows(tmp_path)] == ["qlp-120"]


def test_a_search_that_cannot_look_at_the_better_product_counts_the_other(tmp_path):
    files = {LightCurveId(1001, 1): write_unit(tmp_path, 1001, 1)}
    files[LightCurveId(1001, 1, "spoc-20")] = files[LightCurveId(1001, 1)]
    assert [one.product for one in not_counted(files, Search.STELLA)] == ["spoc-20"]


def test_a_name_with_zeros_before_its_number_is_no_light_curve(tmp_path):
    write_unit(tmp_path, 1001, 1, "qlp-120")
    (tmp_path / "001/01001_1.h5").write_bytes(write_unit(tmp_path, 1001, 1).read_bytes())
    update(tmp_path)
    assert problems(tmp_path)["001/01001_1.h5"][0] == "foreign"


def test_an_index_of_a_version_without_products_is_read(tmp_path):
    path = write_unit(tmp_path, 1001, 1)
    update(tmp_path)
    expected = rows(tmp_path)
    file = table_path(tmp_path / "index", "light_curves")
    pq.write_table(pq.read_table(file).drop_columns(["product", "catalogue"]), file)
    assert StarReader(tmp_path / "index").star(1001).rows == expected
    assert Campaign.read(tmp_path).query("light_curves", columns=["product"]).to_pylist() == [
        {"product": "spoc-120"}
    ]
    indexed = IndexedReliability.read(tmp_path, DEFAULT_SEARCH)
    assert indexed.of(path) is not None
