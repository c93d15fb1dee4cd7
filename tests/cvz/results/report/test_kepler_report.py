"""A report of light curves of Kepler and TESS: stars, quarters and products by their names."""

import pytest
from mpi4py import MPI

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, write_unit
from tests.cvz.results.report.shown_table import shown_table

KEPLER, TESS = 10002792, 1003


def made_report(directory, units):
    for number, unit in enumerate(units):
        write_unit(directory / "results", *unit, change=other_events(number))
    report = directory / "report"
    made = write_site(
        directory / "results", report, World(MPI.COMM_SELF), 9, search=Search.SIGNIFICANCE
    )
    assert made.left_out == []
    return report


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Two quarters of a star of Kepler, and a sector of one of TESS."""
    units = [(KEPLER, 0, "kepler-120"), (KEPLER, 2, "kepler-120"), (TESS, 2)]
    return made_report(tmp_path_factory.mktemp("campaign"), units)


def star_page(report, number):
    return report / "stars" / f"{number % 1000:03d}" / str(number) / "index.html"


def test_the_page_of_a_star_of_kepler_reads_right_in_a_browser(report, web_page):
    web_page.open(star_page(report, KEPLER))
    web_page.until(lambda: web_page.run("return cvzmpi.lightCurves[2] ?? cvzmpi.lightCurves[0]"))
    assert web_page.one("h1").text == "KIC 10002792"
    assert web_page.browser.title.startswith("KIC 10002792")
    links = {link.text: link.get_attribute("href") for link in web_page.all(".links a")}
    assert links["SIMBAD"].endswith("Ident=KIC+10002792")
    assert links["ExoFOP"].endswith("/kepler/edit_target.php?id=10002792")
    assert links["MAST"].endswith("=KIC%2010002792")
    assert web_page.texts("summary h3") == ["Quarter 0", "Quarter 2"]
    abouts = web_page.texts("summary .about")
    assert all(about.startswith("kepler-120, 120 s; ") for about in abouts)
    heads = web_page.texts("#light-curve-table th")
    assert [head.split("\n")[0].rstrip(" ▲▼") for head in heads[:3]] == [
        "quarter",
        "product",
        "exposure",
    ]
    assert web_page.texts("#flare-table th")[0].startswith("quarter")
    toolbar = web_page.one("[role=toolbar]").get_attribute("aria-label")
    assert toolbar.startswith("Light curve of quarter ")
    text = web_page.one("body").text
    assert "TIC" not in text
    assert "sector" not in text.lower()


def test_the_gallery_names_each_star_by_its_catalogue(report, web_page):
    web_page.open(report / "gallery.html")
    web_page.until(lambda: web_page.all(".gallery-grid canvas[data-drawn]"))
    names = {name.replace("\n", " ") for name in web_page.texts(".gallery-name")}
    assert names == {"KIC 10002792 quarter 0", "KIC 10002792 quarter 2", "TIC 1003 sector 2"}
    web_page.one(".gallery-grid a").click()
    title = web_page.one("#gallery-title").text
    star = title.partition(",")[0]
    assert web_page.one(".gallery-star").get_attribute("textContent") == f"Page of {star}"


def test_the_table_of_stars_says_the_catalogue_where_there_are_several(report):
    rows = shown_table((report / "data" / "stars.js").read_text(), "stars")
    assert {(row["tic"], row["catalogue"]) for row in rows} == {(KEPLER, "KIC"), (TESS, "TIC")}
    data = star_page(report, KEPLER).with_name("data.js").read_text()
    found = [(row["product"], row["exposure"]) for row in shown_table(data, "light-curve-table")]
    assert found == [("kepler-120", 120.0)] * 2
    assert '"name":"KIC_10002792_light_curves"' in data
    assert '"name":"KIC_10002792_flares"' in data
    assert "Kepler quarter" in data
    for name in ("charts", "stars"):
        assert f"TIC {KEPLER}" not in (report / "data" / f"{name}.js").read_text()


def test_a_star_of_k2_has_campaigns(tmp_path):
    report = made_report(tmp_path, [(211117077, 4, "k2-120")])
    text = star_page(report, 211117077).read_text()
    assert "<h1>EPIC 211117077</h1>" in text
    assert "<h3>Campaign 4</h3>" in text
    assert "exofop.ipac.caltech.edu/k2/edit_target.php?id=211117077" in text
    table = (report / "data" / "stars.js").read_text()
    assert '"title":"EPIC"' in table
    assert '"catalogue"' not in table
