"""`cvzmpi report`: a web site that opens from the file system, checked in a real browser.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from mpi4py import MPI

from cvzmpi.cli import cli
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.cvz.results.report.tables import ShownColumn, table_script
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, settle, write_unit
from tools.harness.job_process import run

STARS = (1001, 1002, 2001, 3002)


def write(results, report, n_pictured=0):
    return write_site(results, report, World(MPI.COMM_SELF), n_pictured)


def content_of(script):
    """The table that a script hands over."""
    return json.loads(re.fullmatch(r"cvzmpiTable\(\"[\w-]+\", (.*)\);\n", script)[1])


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
    assert write(results, report, n_pictured=1).n_drawn == 4
    return results, report


def test_every_address_is_relative_and_exists(campaign):
    _, report = campaign
    pages = sorted(report.rglob("*.html"))
    assert len(pages) == 1 + len(STARS)
    for page in pages:
        text = page.read_text()
        addresses = re.findall(r'(?:href|src)="([^"#]+)"', text)
        for script in re.findall(r'<script src="(data/\w+\.js)"', text):
            table = content_of((report / script).read_text())
            addresses += [
                row[column][1]
                for row in table["rows"]
                for column, described in enumerate(table["columns"])
                if described["link"]
            ]
        for address in addresses:
            if address != "data:,":
                assert "://" not in address
                assert (page.parent / address).exists(), (page, address)


def test_only_the_stars_with_the_most_flares_have_pictures(campaign):
    _, report = campaign
    pictured = {path.parent.name for path in (report / "stars").rglob("*.png")}
    assert pictured == {"1001"}
    names = {path.name for path in (report / "stars" / "001" / "1001").glob("*.png")}
    each = {f"{s}_{what}.png" for s in (1, 2) for what in ("light_curve", "flares", "completeness")}
    assert names == each | {"1_recovery.png", "2_recovery.png", "ffd.png", "sectors.png"}


def test_a_page_is_made_anew_when_other_light_curves_change_its_reliabilities(tmp_path):
    def reliabilities():
        text = (report / "stars/001/1001/index.html").read_text()
        table = content_of(re.search(r"cvzmpiTable\(\"flares\".*\n", text)[0])
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
    assert not list((report / "stars").rglob("*.png"))  # and none is to have pictures now
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
    pages = [path.relative_to(whole) for path in whole.rglob("*.html")]
    assert len(pages) == 1 + len(STARS)
    for page in pages:
        texts = [(report / page).read_text() for report in (whole, alone)]
        ours, theirs = (re.sub(r"(\.\./)+[\w/. -]*(copied|results)/", "", text) for text in texts)
        assert ours == theirs
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
    ended = run(["report", results, "-o", tmp_path / "site", "--pictures", "0"])
    assert ended.status == 1, ended.stderr  # for one file is no HDF5
    assert "left out: 001/5001_1.h5: " in ended.stderr
    assert ended.stdout.splitlines() == [
        "4 stars, 4 pages made anew",
        str(tmp_path / "site" / "index.html"),
    ]


def test_pictures_of_the_campaign_are_without_marked_stars_unless_asked_for(tmp_path):
    for tic in STARS:
        for results in ("all", "good"):
            if tic == 1002 and results == "all":
                write_unit(tmp_path / results, tic, 1, header={"CROWDSAP": 0.049})
            elif tic != 1002:
                write_unit(tmp_path / results, tic, 1)
    world = World(MPI.COMM_SELF)
    pictures = {}
    for results, included in (("all", False), ("all", True), ("good", False)):
        report = tmp_path / f"{results} {included}"
        write_site(tmp_path / results, report, world, 0, included)
        pictures[results, included] = [
            (report / "pictures" / f"{name}.png").read_bytes() for name in ("limits", "rates")
        ]
        text = (report / "index.html").read_text()
        assert ("1 of the stars have quality marks" in " ".join(text.split())) == (results == "all")
    assert pictures["all", False] == pictures["good", False]
    assert pictures["all", True] != pictures["all", False]
    page = (tmp_path / "all False" / "stars" / "002" / "1002" / "index.html").read_text()
    assert "Most of the light in the aperture is that of other stars. (sector 1)" in page


def test_every_star_may_be_marked(tmp_path):
    write_unit(tmp_path / "results", 1001, 1, header={"CROWDSAP": 0.049})
    assert write(tmp_path / "results", tmp_path / "report").left_out == []


def test_a_star_that_was_hardly_searched_has_no_rate(tmp_path):
    def search_little(data):
        data.significance[np.flatnonzero(np.isfinite(data.significance))[100:]] = np.nan

    write_unit(tmp_path / "results", 1001, 1, change=search_little)
    site = write(tmp_path / "results", tmp_path / "report", n_pictured=1)
    assert site.left_out == []
    page = (tmp_path / "report" / "stars" / "001" / "1001" / "index.html").read_text()
    assert "none: too little was searched" in page
    assert " a day" not in page
    assert "Less than 1 d, or less than 20% of the light curve, was searched." in page


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


@pytest.fixture
def page(browser):
    """Open a page, and look at its tables as a person does."""
    from selenium.webdriver.common.by import By

    class Page:
        def open(self, path):
            browser.get(path.resolve().as_uri())

        def all(self, selector):
            return browser.find_elements(By.CSS_SELECTOR, selector)

        def column(self, table, number):
            return [cell.text for cell in self.all(f"#{table} tbody td:nth-child({number})")]

        def sort(self, table, number):
            self.all(f"#{table} th:nth-child({number}) button")[0].click()

        def search(self, table, text):
            box = self.all(f"#{table} input")[0]
            box.clear()
            box.send_keys(text)

        def screenshot(self, name):
            directory = os.environ.get("CVZMPI_SCREENSHOTS")
            if directory:
                height = browser.execute_script("return document.documentElement.scrollHeight")
                browser.set_window_size(1300, min(height + 200, 6000))
                browser.save_screenshot(str(Path(directory) / f"{name}.png"))

    shown = Page()
    yield shown
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_the_tables_sort_and_search(campaign, page):
    page.open(campaign[1] / "index.html")
    assert sorted(page.column("stars", 1)) == sorted(map(str, STARS))
    assert page.column("stars", 5) == ["4", "4", "2", "0"]  # most flares first
    page.sort("stars", 1)
    assert page.column("stars", 1) == ["3002", "2001", "1002", "1001"]
    page.sort("stars", 1)
    assert page.column("stars", 1) == ["1001", "1002", "2001", "3002"]
    page.sort("stars", 7)  # a star without a rate comes last, both ways
    downwards = page.column("stars", 7)
    page.sort("stars", 7)
    assert page.column("stars", 7) == downwards[::-1] or "" in downwards
    page.search("stars", "300")
    assert page.column("stars", 1) == ["3002"]
    assert "1 to 1 of 1 (of 4)" in page.all("#stars .count")[0].text
    page.search("stars", "nothing like it")
    assert page.column("stars", 1) == []
    assert page.column("problems", 2) == ["unreadable"]
    page.screenshot("small_campaign")


def test_the_page_of_a_star_is_a_click_away_and_shows_its_pictures(
    campaign, page, browser, browser_until
):
    page.open(campaign[1] / "index.html")
    page.search("stars", "1001")
    page.all("#stars tbody a")[0].click()
    browser_until(lambda: page.all("h1")[0].text == "TIC 1001")
    assert page.column("light-curves", 1) == ["1", "2"]
    assert len(page.column("flares", 1)) == 4
    for picture in page.all("img"):
        browser.execute_script("arguments[0].loading = 'eager'", picture)
        browser.execute_async_script("arguments[0].decode().then(arguments[1])", picture)
        assert int(picture.get_property("naturalWidth")) > 500
    page.screenshot("small_star")


def test_thousands_of_stars_are_paged(campaign, page, tmp_path):
    report = shutil.copytree(campaign[1], tmp_path / "report")
    columns = [ShownColumn("tic", "TIC"), ShownColumn("rate", "rate", "1/d", 3)]
    rows = [{"tic": n, "rate": (n * 7919) % 14_385 / 1e4} for n in range(14_385)]
    (report / "data" / "stars.js").write_text(table_script("stars", columns, rows))
    page.open(report / "index.html")
    assert page.column("stars", 1) == [str(n) for n in range(50)]
    assert page.all("#stars .count")[0].text == "1 to 50 of 14,385"
    _, forth = page.all("#stars .tools button")
    forth.click()
    assert page.column("stars", 1)[0] == "50"
    page.sort("stars", 2)
    assert page.column("stars", 2)[:2] == ["1.44", "1.44"]
