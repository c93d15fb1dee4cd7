"""One light curve has one count of flares, one time searched, and each flare one size, everywhere.

A small campaign, and all that is made of it; a product with a definition of its own would differ.
"""

import math
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import QTable

from cvzmpi.cvz.detection.search import Search, found_by_in_words
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.pictures.light_curve import Content, draw_zooms, size_of, trust_in
from cvzmpi.cvz.results.pictures.overview import draw_overview
from cvzmpi.cvz.results.products.measured_flares import by_size, in_a_rate
from cvzmpi.cvz.results.terminal import in_erg
from cvzmpi.messages.wording import counted
from tests.cvz.results.one_campaign import LOSES_LIGHT, N_LOST, found_otherwise, make_campaign
from tests.cvz.results.report.shown_table import shown_table

UNITS = {
    (1001, 1): {},
    (1001, 2): {"change": found_otherwise},
    (2001, 1): LOSES_LIGHT,
    (3002, 1): {"flares": (), "header": {}},
    (4002, 1): {"model": False},
}


@pytest.fixture(scope="module", params=[(1, "significance"), (2, "significance"), (2, "stella")])
def campaign(request, tmp_path_factory):
    """A campaign of files of a version, seen by a search; of version 1 all is of stella's."""
    version, search = request.param
    return make_campaign(tmp_path_factory.mktemp("one"), UNITS, version, search)


def index_rows(campaign, name):
    rows = pq.read_table(table_path(campaign.directory / "results" / "index", name)).to_pylist()
    return {unit: [row for row in rows if (row["tic"], row["sector"]) == unit] for unit in UNITS}


def page(campaign, tic):
    """The page of a star, with the scripts of its data."""
    report = campaign.directory / "report"
    directory = report / "stars" / f"{tic % 1000:03d}" / str(tic)
    files = [directory / "index.html", directory / "data.js", *report.glob("data/columns-*.js")]
    return "".join(path.read_text() for path in files)


def same(values, expected):
    np.testing.assert_allclose(
        np.array(values, float), np.array(expected, float), rtol=1e-9, equal_nan=True
    )


def or_nan(values):
    return [math.nan if value is None else value for value in values]


def test_the_campaign_has_flares_of_each_kind(campaign):
    flares = campaign.files()[2001, 1].measured_flares
    assert (~in_a_rate(flares)).sum() == N_LOST
    assert flares["template_fitted"].tolist() == [False] * N_LOST + [True] * 3
    both = campaign.files()[1001, 1].measured_flares
    assert both["template_fitted"].all()
    # the sum over the mask, or another energy, would be seen
    ratio = both["mask_equivalent_duration"] / both["equivalent_duration"]
    assert np.all(np.abs(ratio - 1) > 0.02)
    assert np.isfinite(both["energy"]).all()
    assert np.all(both["energy_error"] > 0.2 * both["energy"])


def test_no_template_is_fitted_twice(campaign):
    n_flares = sum(len(file.measured_flares["peak"]) for file in campaign.files().values())
    fitted_here = not campaign.files()[1001, 1].searched.has_templates
    assert campaign.n_fitted == (n_flares if fitted_here else 0)


NAMES = (
    *("equivalent_duration", "equivalent_duration_error", "energy", "energy_error"),
    *("mask_equivalent_duration", "amplitude", "peak_time"),
)


def test_the_index_has_them(campaign):
    light_curves, flares = (index_rows(campaign, name) for name in ("light_curves", "flares"))
    for unit, file in campaign.files().items():
        (row,) = light_curves[unit]
        time = file.search_time()
        assert (row["searched"], row["evaluated"]) == (time.searched, time.evaluated)
        assert row["n_flares"] == file.searched.n_flares
        if file.data.flares is None:
            continue
        assert len(flares[unit]) == row["n_flares"]
        for name in NAMES:
            same([flare[name] for flare in flares[unit]], file.measured_flares[name])
        largest = file.measured_flares["equivalent_duration"]
        if len(largest):
            same(row["largest_flare"], largest.max())
            same(row["largest_energy"], file.measured_flares["energy"][largest.argmax()])


def test_the_pages_and_rates_have_the_reliabilities_of_the_index(campaign):
    of_index, light_curves = index_rows(campaign, "flares"), index_rows(campaign, "light_curves")
    for tic in {tic for tic, _ in UNITS}:
        rows = shown_table(page(campaign, tic), "flare-table")
        shown = {(tic, row["sector"], round(row["peak_time"], 4)): row for row in rows}
        expected = [f for unit in UNITS if unit[0] == tic for f in of_index[unit]]
        assert len(shown) == len(expected)
        for flare in expected:
            row = shown[tic, flare["sector"], round(flare["peak_time"], 4)]
            same(or_nan([row["reliability"]]), [flare["reliability"]])
            assert row["searches"] == found_by_in_words(flare["found_by"])
    points = QTable.read(campaign.directory / "ffd/ffd_flares.ecsv", format="ascii.ecsv")
    of_rates = {
        (p["tic"], p["sector"], round(p["peak_time"].value, 4)): p["reliability"] for p in points
    }
    for unit, flares in of_index.items():
        for flare in flares:
            value = flare["reliability"]
            expected = 1.0 if np.isnan(value) else value
            same(of_rates[(*unit, round(flare["peak_time"], 4))], expected)
        (row,) = light_curves[unit]
        if row["n_true"] is not None:
            same(row["n_true"], sum(flare["reliability"] for flare in flares))


def test_the_astropy_view_has_them(campaign):
    for file in campaign.files().values():
        for name in NAMES[:-1]:
            column = file.flares[name]
            same(getattr(column, "value", column), file.measured_flares[name])


def test_the_pages_of_stars_have_them(campaign):
    for tic in {tic for tic, _ in UNITS}:
        text, of_star = page(campaign, tic), {}
        for (unit_tic, sector), file in campaign.files().items():
            if unit_tic == tic:
                of_star[sector] = file
        rows = shown_table(text, "light-curve-table")
        flares = shown_table(text, "flare-table")
        assert [row["sector"] for row in rows] == list(of_star)
        for row in rows:
            file = of_star[row["sector"]]
            same(row["searched"], file.search_time().searched)
            assert row["n_flares"] == file.searched.n_flares
            mine = [flare for flare in flares if flare["sector"] == row["sector"]]
            order = by_size(file.measured_flares)
            for name in NAMES[:4]:
                same(or_nan(flare[name] for flare in mine), file.measured_flares[name][order])
        total = sum(file.search_time().searched for file in of_star.values())
        assert f"<dd>{total:.2f} d in {counted(len(of_star), 'light curve')}</dd>" in text
        n_flares = sum(file.searched.n_flares for file in of_star.values())
        assert re.search(rf"<dt>flares found</dt><dd>{n_flares}\b", text)


def test_the_page_of_the_campaign_has_them(campaign):
    text = (campaign.directory / "report/data/stars.js").read_text()
    stars = shown_table(text, "stars")
    assert len(stars) == 4
    for star in stars:
        of_star = [file for (tic, _), file in campaign.files().items() if tic == star["tic"]]
        same(star["searched"], sum(file.search_time().searched for file in of_star))
        assert star["n_flares"] == sum(file.searched.n_flares for file in of_star)
        durations = np.concatenate([f.measured_flares["equivalent_duration"] for f in of_star])
        assert star["largest_flare"] == (pytest.approx(durations.max()) if len(durations) else None)
    head = (campaign.directory / "report/index.html").read_text()
    n_flares = sum(file.searched.n_flares for file in campaign.files().values())
    assert f"<dt>flares found</dt><dd>{n_flares}</dd>" in head


def test_the_tables_of_rates_have_them(campaign):
    stars, sectors, flares = (
        QTable.read(campaign.directory / "ffd" / f"ffd_{name}.ecsv")
        for name in ("stars", "sectors", "flares")
    )
    assert len(sectors) == 4  # all that are done
    for sector in sectors:
        file = campaign.files()[sector["tic"], sector["sector"]]
        measured = file.measured_flares
        time = file.search_time()
        same([sector["searched"].value, sector["evaluated"].value], [time.searched, time.evaluated])
        assert sector["n_flares"] == file.searched.n_flares
        assert sector["n_not_positive"] == (~in_a_rate(measured)).sum()
        mine = flares[(flares["tic"] == sector["tic"]) & (flares["sector"] == sector["sector"])]
        assert len(mine) == sector["n_flares"]
        order = by_size(measured)
        for name, column in (
            ("ed", "equivalent_duration"),
            ("ed_error", "equivalent_duration_error"),
            ("energy", "energy"),
            ("energy_error", "energy_error"),
            ("ed_mask", "mask_equivalent_duration"),
        ):
            same(mine[name].value, measured[column][order])
        assert np.isnan(mine["raw_rate"].value).tolist() == (~in_a_rate(measured)[order]).tolist()
    assert stars["n_flares"].sum() == len(flares)
    line = campaign.run(
        "ffd",
        "2001",
        "--results",
        campaign.directory / "results",
        "--output",
        campaign.directory / "one",
    )
    searched = campaign.files()[2001, 1].search_time().searched
    assert line.startswith(f"TIC 2001: 6 flares in {searched:.2f} d of 1 sector (3 in no rate): ")


@pytest.mark.parametrize("unit", UNITS)
def test_show_has_them(campaign, unit):
    file = campaign.files()[unit]
    measured, n_flares = file.measured_flares, file.searched.n_flares
    text = campaign.run("show", file.path)
    time = file.search_time()
    assert re.search(rf"searched +{time.searched:.2f} d by {file.searched.search}; ", text)
    assert f"; {time.evaluated:.2f} d" in text
    assert f"  {n_flares} found" in text if n_flares else "none found" in text
    rows = [line.split() for line in text.splitlines() if re.match(r" *\d+\.\d{5} ", line)]
    assert len(rows) == len(measured["peak"])
    for row, i in zip(rows, by_size(measured), strict=True):
        assert row[4:6] == [
            f"{measured[name][i]:.2f}"
            for name in ("equivalent_duration", "equivalent_duration_error")
        ]
        assert row[6:8] == [in_erg(measured[name][i]) for name in ("energy", "energy_error")]
        assert row[10] == found_by_in_words(measured["found_by"][i])
        reliability = measured["reliability"][i]
        assert row[11] == ("-" if np.isnan(reliability) else f"{reliability:.3f}")
    if not in_a_rate(measured).all():
        assert f"in no rate: {N_LOST}" in text


def test_the_table_of_show_has_them(campaign):
    of_files = campaign.files()
    text = campaign.run("show", *(file.path for file in of_files.values()))
    rows = [line.split() for line in text.splitlines() if line.rstrip().endswith(".h5")]
    assert len(rows) == len(UNITS)
    for row in rows:
        file = of_files[int(row[0]), int(row[1])]
        searched, n_flares = file.search_time().searched, file.searched.n_flares
        assert row[2:5] == ["spoc-120", f"{searched:.2f}", str(n_flares)]
        measured = file.measured_flares
        for i in by_size(measured)[:1]:
            sizes = measured["equivalent_duration"][i], measured["energy"][i]
            assert row[5:7] == [f"{sizes[0]:.1f}", in_erg(sizes[1])]


def texts(figure):
    """All that is written in the panels and legends of a figure."""
    for axes in figure.get_axes():
        yield from (text.get_text() for text in axes.texts)
        if axes.get_legend():
            yield from (text.get_text() for text in axes.get_legend().get_texts())


@pytest.mark.parametrize("unit", UNITS)
def test_pictures_have_them(campaign, unit):
    file = campaign.files()[unit]
    content = Content.read(file.path, Search(campaign.search))
    measured, n_flares = file.measured_flares, file.searched.n_flares
    said = list(texts(draw_overview(content)))
    found = {0: "no flare", 1: "1 flare"}.get(n_flares, f"{n_flares} flares")
    assert f"{found} in {file.search_time().searched:.2f} d" in said
    zoomed = [text for text in texts(draw_zooms(content)) if "ED " in text]
    assert len(zoomed) == len(measured["peak"])
    for text, i in zip(zoomed, by_size(measured), strict=True):
        flare = {name: column[i] for name, column in measured.items()}
        assert text.endswith(f"{trust_in(flare)}\n{size_of(flare)}")
        ed, energy, exponent = re.search(
            r"ED (-?[\d.]+) .* = \((-?[\d.]+) .*10\^\{(-?\d+)\}", text, re.DOTALL
        ).groups()
        assert float(ed) == pytest.approx(flare["equivalent_duration"], abs=0.06)
        value = float(energy) * 10.0 ** int(exponent)
        assert value == pytest.approx(flare["energy"], rel=0.06, abs=1e20)
    if len(measured["peak"]):
        assert any(zoomed[0] in text for text in said)
