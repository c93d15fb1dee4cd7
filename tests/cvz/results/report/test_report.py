"""`cvzmpi report`: a web site that opens from the file system, checked in a real browser.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there (tests/web_page.py).
"""

import json
import os
import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from astropy.table import QTable
from click.testing import CliRunner
from mpi4py import MPI
from selenium.webdriver.common.keys import Keys

from cvzmpi.cli import cli
from cvzmpi.cvz.commands.command_line import report as report_command
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.products.rate_at_energy import DEFAULT_ENERGY
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.cvz.results.report.tables import (
    FLARES,
    LIGHT_CURVES,
    MAX_ROWS,
    PROBLEMS,
    ShownColumn,
    star_columns,
    table_script,
)
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, settle, write_unit
from tests.web_page import DESKTOP, PHONE
from tools.harness.job_process import run

STARS = (1001, 1002, 2001, 3002)
FORMATS = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "parquet": "parquet"}


def write(results, report, n_stars=0):
    return write_site(results, report, World(MPI.COMM_SELF), n_stars)


def content_of(script):
    """The table that a script hands over."""
    return json.loads(re.fullmatch(r"cvzmpi\.table\(\"[\w-]+\", (.*)\);\n", script)[1])


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Sector files of four stars, one of them unfinished, and their report in another place."""
    directory = tmp_path_factory.mktemp("campaign")
    results, report = directory / "results", directory / "a report"
    for tic in STARS:
        write_unit(results, tic, 1, flares=() if tic == 3002 else (400, 1900))
    write_unit(results, 1001, 2)
    write_unit(results, 2001, 14, model=False)
    (results / "001" / "5001_1.h5").write_bytes(b"<script>no HDF5")
    assert write(results, report, n_stars=1).n_drawn == 4
    return results, report


def addresses(file):
    """Every address in a page, or in a script of tables and charts."""
    text = file.read_text()
    if file.suffix == ".html":
        return re.findall(r'(?:href|src)="([^"#]+)"', text)
    tables = [content_of(line) for line in text.splitlines(True) if line.startswith("cvzmpi.table")]
    cells = (cell for table in tables for row in table["rows"] for cell in row)
    found = [cell[1] for cell in cells if isinstance(cell, list) and not cell[1].startswith("#")]
    of_charts = re.findall(r'"links":(\[.*?\])', text)
    return [*found, *(link for links in of_charts for link in json.loads(links))]


def test_every_address_is_in_the_report_or_of_a_public_archive(campaign):
    _, report = campaign
    files = [*report.rglob("*.html"), *report.glob("data/*.js"), *report.rglob("data.js")]
    stars = [file for file in files if "stars/" in str(file)]
    assert len(stars) == 2 * len(STARS)
    elsewhere = set()
    for file in files:
        place = file.parent if file.suffix == ".html" or file.name == "data.js" else report
        for address in addresses(file):
            if address.startswith("https://"):
                elsewhere.add(address.split("/")[2])
            elif address != "data:,":
                target = (place / address).resolve()
                assert "://" not in address
                assert target.is_relative_to(report.resolve()), (file, address)
                assert target.exists(), (file, address)
    assert elsewhere == {
        *("simbad.cds.unistra.fr", "exofop.ipac.caltech.edu", "mast.stsci.edu"),
    }


def test_no_script_and_no_style_is_in_a_page(campaign):
    for file in campaign[1].rglob("*.html"):
        text = file.read_text()
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", text), file


def test_the_stars_with_the_most_flares_and_in_the_gallery_have_light_curves(campaign):
    _, report = campaign
    scripts = {path.relative_to(report / "stars") for path in report.glob("stars/*/*/[0-9]*.js")}
    drawn = ("001/1001/1", "001/1001/2", "002/1002/1", "001/2001/1", "001/2001/14")
    assert scripts == {Path(f"{name}.js") for name in drawn}
    assert "--star" not in (report / "stars/001/1001/index.html").read_text()
    assert "cvzmpi report --star 3002" in (report / "stars/002/3002/index.html").read_text()


def test_a_page_is_made_anew_when_other_light_curves_change_its_reliabilities(tmp_path):
    def reliabilities():
        text = (report / "stars/001/1001/data.js").read_text()
        table = content_of(re.search(r"cvzmpi\.table\(\"flare-table\".*\n", text)[0])
        column = [c["title"] for c in table["columns"]].index("reliability")
        return [row[column] for row in table["rows"]]

    results, report = tmp_path / "results", tmp_path / "report"
    write_unit(results, 1001, 1, change=other_events(1))
    assert write(results, report).n_drawn == 1
    assert write(results, report).n_drawn == 0
    before = reliabilities()
    for sector in range(1, 9):
        write_unit(results, 1002, sector, change=other_events(1), flares=())
    assert write(results, report).n_drawn == 2
    assert np.abs(np.subtract(reliabilities(), before)).max() > 0.02


def test_only_what_changed_is_made_anew(campaign, tmp_path):
    results, report = (shutil.copytree(path, tmp_path / path.name) for path in campaign)
    for path in results.rglob("*.h5"):
        settle(path)
    assert write(results, report).n_drawn == 4  # all have other times than the original ones
    assert not list(report.glob("stars/*/*/[0-9]*.js"))  # and none is to have light curves now
    assert write(results, report).n_drawn == 0
    write_unit(results, 3002, 1, flares=(400,))
    os.utime(results / "002" / "3002_1.h5", (1e9, 1e9))
    assert write(results, report).n_drawn == 1
    assert (report / "stars/002/3002/index.html").exists()


def test_no_text_can_end_the_script_that_it_is_in():
    script = table_script(
        "t", [ShownColumn("a", "A")], [{"a": "</script><b>"}, {"a": float("nan")}]
    )
    assert "<" not in script
    assert content_of(script)["rows"] == [["</script><b>"], [None]]


@pytest.mark.parametrize("columns", [star_columns(1e33), LIGHT_CURVES, FLARES, PROBLEMS])
def test_no_two_columns_of_a_table_have_the_same_name(columns):
    titles = [column.title for column in columns]
    assert len(set(titles)) == len(titles)
    assert len({column.key for column in columns}) == len(columns)


def test_a_page_has_only_so_many_rows_and_says_where_all_are():
    rows = ({"a": n} for n in range(MAX_ROWS + 7))
    table = content_of(table_script("t", [ShownColumn("a", "A")], rows, whole="downloads/t.csv"))
    assert len(table["rows"]) == MAX_ROWS
    assert table["note"] == (
        "The first 20,000 of 20,007 rows are here; all of them are in downloads/t.csv."
    )


def test_a_campaign_without_sector_files_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match="no sector files in here"):
        write(tmp_path, tmp_path / "report")
    ended = run(["report", tmp_path / "nothing"])
    assert (ended.status, len(ended.complaints)) == (2, 1)


@pytest.fixture
def copied(campaign, tmp_path):
    """The index of the campaign alone, in a directory that nobody may write to."""
    results = tmp_path / "copied"
    (results / "index").mkdir(parents=True)
    for table in (campaign[0] / "index").glob("*.parquet"):
        shutil.copy(table, results / "index")
    for directory in (results / "index", results):
        directory.chmod(0o555)
    yield results
    for directory in (results, results / "index"):
        directory.chmod(0o755)


def test_an_index_without_sector_files_has_the_same_report(campaign, copied, tmp_path):
    whole, alone = tmp_path / "whole", tmp_path / "alone"
    write(campaign[0], whole)
    command = ["report", copied, "--output", alone]
    outcome = CliRunner().invoke(cli, [*map(str, command)], catch_exceptions=False)
    assert outcome.exit_code == 0
    line = f"{copied}: an index without sector files: no light curves are drawn"
    assert outcome.output.splitlines()[0] == line
    pages = [{path.relative_to(site) for path in site.rglob("*.html")} for site in (whole, alone)]
    assert pages[0] == pages[1]
    files = ["data/stars.js", *(f"downloads/{name}.csv" for name in ("stars", "flares"))]
    for file in files:
        assert (alone / file).read_bytes() == (whole / file).read_bytes(), file
    for tic in STARS:
        state = f"stars/{tic % 1000:03d}/{tic}/star.json"
        ours, theirs = (json.loads((site / state).read_text()) for site in (alone, whole))
        assert json.dumps(ours["summary"]) == json.dumps(theirs["summary"])
    assert sorted(path.name for path in (copied / "index").iterdir()) == sorted(
        path.name for path in (campaign[0] / "index").glob("*.parquet")
    )


def test_an_index_without_sector_files_is_left_as_it_is(copied, tmp_path):
    with pytest.raises(ConfigError, match="no sector files in here: the index of 6 light curves"):
        update_index(copied, World(MPI.COMM_SELF))
    with pytest.raises(ConfigError, match="it is of search significance: give --search signif"):
        write_site(copied, tmp_path / "report", World(MPI.COMM_SELF), 0, search=Search.STELLA)


def test_the_command_says_which_page_to_open(campaign, tmp_path):
    results, _ = campaign
    ended = run(["report", results, "-o", tmp_path / "site", "--light-curves", "0"])
    assert ended.status == 1, ended.stderr  # for one file is no HDF5
    assert "left out: 001/5001_1.h5: " in ended.stderr
    assert ended.stdout.splitlines() == [
        "4 stars, 4 pages made anew",
        str(tmp_path / "site" / "index.html"),
    ]


def charts_in(file):
    """The scripts of the charts in a file, by name."""
    found = re.findall(r"^cvzmpi\.chart\(\"([\w-]+)\", .*$", file.read_text(), re.M)
    lines = [line for line in file.read_text().splitlines() if line.startswith("cvzmpi.chart(")]
    return dict(zip(found, lines, strict=True))


@pytest.mark.parametrize("included", [False, True])
def test_charts_of_rates_are_without_marked_stars_unless_asked_for(tmp_path, included):
    results, report = tmp_path / "results", tmp_path / "report"
    for tic in STARS:
        header = {"RA_OBJ": 90.0, "DEC_OBJ": -66.0}
        write_unit(results, tic, 1, header=header | ({"CROWDSAP": 0.049} if tic == 1002 else {}))
    write_site(results, report, World(MPI.COMM_SELF), 0, included)
    charts = charts_in(report / "data" / "charts.js")
    for name in ("rate-temperature", "limits-magnitude"):
        assert "TIC 1001" in charts[name]
        assert ("TIC 1002" in charts[name]) == included
    assert "TIC 1002" in charts["sky-south"]
    text = " ".join((report / "index.html").read_text().split())
    assert "1 of the stars have quality marks" in text
    page = (report / "stars" / "002" / "1002" / "index.html").read_text()
    assert "Most of the light in the aperture is that of other stars. (sector 1)" in page


def test_a_campaign_may_have_no_flare_at_all(tmp_path):
    write_unit(tmp_path / "results", 1001, 1, model=False)
    assert write(tmp_path / "results", tmp_path / "report", 1).n_drawn == 1


def test_every_chart_has_its_place_on_the_page(campaign):
    _, report = campaign
    pages = {report / "index.html": report / "data" / "charts.js"}
    pages |= {path: path.with_name("data.js") for path in report.glob("stars/*/*/index.html")}
    assert len(pages) == 1 + len(STARS)
    for page, script in pages.items():
        places = re.findall(r'<div class="chart" id="([\w-]+)"', page.read_text())
        sectors = sorted(page.parent.glob("[0-9]*.js"), key=lambda path: int(path.stem))
        assert places == [name for file in (script, *sectors) for name in charts_in(file)]
    # the charts of a star need none of its light curves shown
    assert list(charts_in(report / "stars/002/1002/data.js")) == ["distribution", "completeness"]
    assert "sector-flares" in charts_in(report / "stars/001/1001/data.js")


def test_every_star_may_be_marked(tmp_path):
    write_unit(tmp_path / "results", 1001, 1, header={"CROWDSAP": 0.049})
    assert write(tmp_path / "results", tmp_path / "report").left_out == []


def test_a_star_that_was_hardly_searched_has_no_rate(tmp_path):
    def search_little(data):
        data.significance[np.flatnonzero(np.isfinite(data.significance))[100:]] = np.nan

    write_unit(tmp_path / "results", 1001, 1, change=search_little)
    site = write(tmp_path / "results", tmp_path / "report", n_stars=1)
    assert site.left_out == []
    page = (tmp_path / "report" / "stars" / "001" / "1001" / "index.html").read_text()
    assert "none: too little was searched" in page
    assert " a day" not in page
    assert "Less than 1 d, or less than 20% of the light curve, was searched." in page


def test_stars_are_compared_above_the_energy_that_was_asked_for(tmp_path):
    results, report = tmp_path / "results", tmp_path / "report"
    write_unit(results, 1001, 1, header={"RADIUS": 0.3})
    write_unit(results, 2001, 1)  # of unknown radius: it has no energies
    energy = 20 * FlareEnergyScale.of_star(0.3, 3210.0).power
    ended = run(["report", results, "-o", report, "--energy", energy])
    assert ended.status == 0, ended.stderr
    table = content_of((report / "data" / "stars.js").read_text())
    keys = [column["key"] for column in table["columns"]]
    star, unknown = (dict(zip(keys, row, strict=True)) for row in table["rows"])
    assert star["energy_rate_low"] < star["energy_rate"] < star["energy_rate_high"]
    assert star["energy_rate"] < star["rate"]  # whose flares are above 9 s
    assert unknown["energy_rate"] is None
    page = (report / "stars/001/1001/index.html").read_text()
    assert f"flares above {energy:.3g} erg</dt><dd>{star['energy_rate']:.3g} (" in page
    assert "erg</dt>" not in (report / "stars/001/2001/index.html").read_text()


def test_the_energy_of_the_command_is_that_of_the_rates():
    (option,) = (p for p in report_command.params if p.name == "energy")
    assert option.default == DEFAULT_ENERGY


@pytest.mark.mpi(min_size=2)
def test_ranks_share_the_stars(tmp_path_factory):
    world = World(MPI.COMM_WORLD)
    directory = world.first(lambda: tmp_path_factory.mktemp("shared"))
    if world.rank == 0:
        for tic in (1001, 1002, 1003):
            write_unit(directory / "results", tic, 1)
    world.communicator.Barrier()
    site = write_site(directory / "results", directory / "report", world, 0)
    assert (site is None) == (world.rank > 0)
    if site is not None:
        assert (site.n_stars, site.n_drawn) == (3, 3)
        assert len(list((directory / "report" / "stars").rglob("index.html"))) == 3


# ----------------------------------------------------------------- in the browser


class Report:
    """The pages of the report as a person sees them."""

    def __init__(self, page):
        self.page = page

    def column(self, table, key):
        """The texts of a column that is shown, in the rows of the page of a table."""
        script = "return [...document.querySelectorAll(arguments[0])].map(c => c.dataset.key)"
        place = self.page.run(script, f"#{table} thead th").index(key) + 1
        return self.page.texts(f"#{table} tbody td:nth-child({place})")

    def head(self, table, key):
        return self.page.one(f"#{table} th[data-key='{key}'] button")

    def search(self, table, text):
        box = self.page.one(f"#{table} input[type='search']")
        box.clear()
        box.send_keys(text)

    def count(self, table):
        return self.page.one(f"#{table} .count").text


@pytest.fixture
def report(campaign, web_page):
    web_page.open(campaign[1] / "index.html")
    return Report(web_page)


def test_the_tables_sort_and_search(report, web_page):
    assert sorted(report.column("stars", "tic")) == sorted(map(str, STARS))
    assert report.column("stars", "n_flares") == ["4", "4", "2", "0"]  # most flares first
    report.head("stars", "tic").click()
    assert report.column("stars", "tic") == ["3002", "2001", "1002", "1001"]
    report.head("stars", "tic").click()
    assert report.column("stars", "tic") == ["1001", "1002", "2001", "3002"]
    report.search("stars", "300")
    assert report.column("stars", "tic") == ["3002"]
    assert report.count("stars") == "1 to 1 of 1 (of 4)"
    report.search("stars", "nothing like it")
    assert report.column("stars", "tic") == []
    assert report.column("problems", "kind") == ["unreadable"]


def test_the_page_of_a_star_is_a_click_away_and_has_its_tables(report, web_page):
    report.search("stars", "1001")
    web_page.one("#stars tbody a").click()
    web_page.until(lambda: web_page.texts("h1") == ["TIC 1001"])
    assert report.column("light-curve-table", "sector") == ["1", "2"]
    assert report.column("light-curve-table", "path") == ["001/1001_1.h5", "001/1001_2.h5"]
    assert len(report.column("flare-table", "sector")) == 4
    for address in web_page.all("ul.links a"):
        assert "1001" in address.get_attribute("href")
    web_page.until(lambda: web_page.all("#distribution canvas"))
    web_page.until(lambda: web_page.all("#sector-1 .light-curve-frame canvas"))


def test_the_links_of_the_downloads_lead_to_tables_that_astropy_reads(report, web_page):
    web_page.all("nav a")[-1].click()
    web_page.until(lambda: web_page.texts("h1") == ["Downloads"])
    files = [Path(unquote(urlsplit(a.get_attribute("href")).path)) for a in web_page.all("td a")]
    assert len(files) == 9
    for file in files:
        table = QTable.read(file, format=FORMATS[file.suffix[1:]])
        assert set(table["tic"]) <= set(STARS)
        # flares that were found and not modelled yet are counted, and in no table
        assert len(table) == {"stars": 4, "light_curves": 6, "flares": 8}[file.stem]


PAGES = ["index.html", "downloads.html", "stars/001/1001/index.html"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", PAGES, ids=["campaign", "downloads", "star"])
def test_a_page_is_accessible_and_no_wider_than_its_window(campaign, web_page, name, size, theme):
    web_page.size(size)
    web_page.prefer(theme)
    web_page.open(campaign[1] / name)
    for button in web_page.all(".tools button"):
        if button.text == "Filters":
            button.click()  # with all that can be shown
    for choice in web_page.all("details"):
        web_page.run("arguments[0].open = true", choice)
    assert web_page.faults() == []
    assert not web_page.scrolls_sideways()
    assert len(web_page.all("h1")) == 1
    web_page.screenshot(f"{name.replace('/', '_')}_{size[0]}_{theme}")


@pytest.mark.parametrize("name", PAGES, ids=["campaign", "downloads", "star"])
def test_the_first_tab_leads_to_the_content(campaign, web_page, name):
    web_page.open(campaign[1] / name)
    web_page.press(Keys.TAB)
    assert web_page.run("return document.activeElement.className") == "skip"
    web_page.press(Keys.ENTER)
    web_page.until(lambda: web_page.browser.current_url.endswith("#content"))
    web_page.press(Keys.TAB)
    assert web_page.run("return document.activeElement.closest('main') !== null")
