"""The products of a `SectorFile`: completeness, rates, pictures, and a file."""

import io

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable

import cvzmpi
from cvzmpi.cvz.results.products.ffd_tables import FLARES
from cvzmpi.cvz.results.products.star_outcome import star_outcome
from cvzmpi.errors import SectorFileError, UnfinishedFileError
from tests.cvz.example_file import SECTOR, TIC, write_example
from tools.harness.hdf5_content import content

HEADER = {"RADIUS": 0.5, "TEFF": 3300.0}


@pytest.fixture
def path(tmp_path):
    return write_example(tmp_path / "1.h5", header=HEADER)


@pytest.fixture
def file(path):
    return cvzmpi.read(path)


@pytest.mark.parametrize(
    ("size", "unit"), [("equivalent_duration", u.s), ("amplitude", u.dimensionless_unscaled)]
)
def test_the_completeness_is_the_curve_at_its_knots(file, size, unit):
    table, curve = file.completeness(size), file.completeness_curve(size)
    assert table.colnames == [size, "completeness", "low", "high"]
    sizes = u.Quantity(table[size])
    assert sizes.unit == unit
    assert np.array_equal(table["completeness"], curve(sizes.value))
    assert np.all(table["low"] <= table["completeness"])
    assert np.all(table["completeness"] <= table["high"])
    assert table["completeness"][0] < 0.5 < table["completeness"][-1]
    limits = file.limits(size)
    assert limits["level"].tolist() == [0.1, 0.5, 0.9]
    half, limit = limits[1], curve.limit(0.5)
    assert (u.Quantity(half[size]).value, half["relation"]) == (limit.value, limit.relation)
    assert u.Quantity(half["low"]).value == limit.low


def test_the_rates_are_those_of_the_products(file, path):
    table, star = file.ffd(min_completeness=0.6), star_outcome([path], {"min_completeness": 0.6})
    assert table["rate"].unit == 1 / u.d
    assert table["ed"].unit == u.s
    assert [row["sector"] for row in table] == [SECTOR] * 2
    for name in ("tic", "sector", "peak_time", "amplitude", "ed"):
        expected = [row[list(FLARES).index(name)] for row in star.rows["flares"]]
        values = table[name].jd - 2457000 if name == "peak_time" else u.Quantity(table[name]).value
        assert np.asarray(values) == pytest.approx(np.array(expected))
    assert (table.meta["catalogue"], table.meta["tic"]) == ("TIC", TIC)
    assert table.meta["rate"] == star.star.rate / u.d
    assert table.meta["ed_min"] == star.star.lower * u.s
    assert table.meta["left_out"] == []


def test_tables_can_be_written_and_read_by_astropy(file, tmp_path):
    for name, table in {
        "flares": file.flares,
        "completeness": file.completeness(),
        "ffd": file.ffd(),
    }.items():
        table.write(tmp_path / f"{name}.ecsv")
        again = QTable.read(tmp_path / f"{name}.ecsv")
        assert again.colnames == table.colnames
        assert len(again) == len(table)


@pytest.mark.parametrize("what", ["overview", "flares", "completeness", "ffd"])
def test_a_notebook_shows_its_pictures(file, what):
    figure = file.plot(what)
    image = figure._repr_png_()
    assert image.startswith(b"\x89PNG")
    assert len(image) > 10_000
    assert file.plot(what)._repr_png_() == image
    target = io.BytesIO()
    figure.savefig(target, format="pdf")
    assert target.getvalue().startswith(b"%PDF")


def test_a_notebook_shows_what_matters(file, tmp_path):
    text = file._repr_html_()
    for words in (
        f"TIC {TIC}, sector {SECTOR}",
        "T = 9.87, 3300 K, 0.50 R_sun",
        "by significance",
        "2 flares, ",
        " erg",
        "half of the flares of 9.48 s; 51% of 1,200 injected places",
    ):
        assert words in text
    unfinished = cvzmpi.read(write_example(tmp_path / "2.h5", n_done=0, flares=()))
    assert "0 flares<" in unfinished._repr_html_()
    assert "no flares injected yet" in unfinished._repr_html_()
    odd = cvzmpi.read(write_example(tmp_path / "3.h5", header={"input_note": "a < b"}))
    assert "a &lt; b" in odd._repr_html_()


def test_what_needs_injections_says_so(tmp_path):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", n_done=0))
    for product in (file.completeness, file.limits, lambda: file.plot("completeness")):
        with pytest.raises(SectorFileError, match="no flares were injected yet"):
            product()
    with pytest.raises(UnfinishedFileError, match="0 flares injected so far"):
        file.ffd()
    assert file.plot()._repr_png_()
    with pytest.raises(ValueError, match="what = 'flare': expected one of overview, flares"):
        file.plot("flare")


@pytest.mark.parametrize("how", [{}, {"n_done": 80}, {"n_done": 0}, {"model": False}])
def test_a_file_is_written_as_it_was(tmp_path, how):
    path = write_example(tmp_path / "1.h5", **how)
    copy = cvzmpi.read(path).write(tmp_path / "2.h5")
    assert content(copy) == content(path)


def test_a_file_that_is_there_is_replaced_only_when_asked(file, path, tmp_path):
    with pytest.raises(SectorFileError, match=r"1\.h5: is there already; overwrite=True"):
        file.write(path)
    assert file.write(str(path), overwrite=True) == path
    with pytest.raises(SectorFileError, match=r"there is no directory .*nothing"):
        file.write(tmp_path / "nothing" / "1.h5")


def test_a_directory_takes_it_where_a_campaign_has_it(file, tmp_path):
    expected = tmp_path / f"{TIC % 1000:03d}" / f"{TIC}_{SECTOR}.h5"
    assert file.write(tmp_path) == expected
    assert expected.is_file()
    nameless = cvzmpi.read(write_example(tmp_path / "3.h5", tic=0))
    with pytest.raises(SectorFileError, match="says no TIC number and sector: name the file"):
        nameless.write(tmp_path)
