"""Every page of the report of a small campaign of real light curves, as people use it in a browser.

With CVZMPI_SCREENSHOTS=DIRECTORY, the pictures of docs/results.md are left there.
"""

import functools
import shutil
import threading
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from astropy.table import QTable
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.conftest import SHARED_DATA
from tests.cvz.results.example_unit import write_unit
from tests.web_page import DESKTOP, PHONE
from tools.harness.job_process import run

FLARING, OTHERS = (425933644, 1), ((410214986, 1), (159873822, 16))
SETTINGS = ("seed=12", "inject.n_inject=60", "inject.n_repeat=3")
PAGES = ("campaign", "gallery", "downloads", "drawn", "not_drawn")
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
EVERY_PAGE = pytest.mark.parametrize("name", PAGES)
FORMATS = {"csv": "ascii.csv", "ecsv": "ascii.ecsv", "parquet": "parquet"}
DRAWN = {
    "campaign": ".chart canvas",
    "gallery": ".gallery-grid canvas[data-drawn]",
    "downloads": "td a",
    "drawn": ".light-curve-frame canvas",
    "not_drawn": "#light-curve-table tbody td",
}
"""What is on a page once its scripts have worked."""

TABS_AT_ONCE = 25


@dataclass
class Report:
    """A report, and a star in it with light curves: number, sector."""

    directory: Path
    star: tuple[int, int]

    def page(self, name):
        """The file of a page: one of `PAGES`."""
        pages = sorted(self.directory.glob("stars/*/*/index.html"))
        drawn = self.directory / "stars" / f"{self.star[0] % 1000:03d}" / str(self.star[0])
        stars = {
            "drawn": drawn / "index.html",
            "not_drawn": next(p for p in pages if not list(p.parent.glob("[0-9]*.js"))),
            "campaign": self.directory / "index.html",
        }
        return stars.get(name, self.directory / f"{name}.html")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of three light curves that both searches went through, one without flares."""
    directory = tmp_path_factory.mktemp("campaign")
    results, star = directory / "results", FLARING
    (directory / "input").mkdir()
    if SHARED_DATA.is_dir():
        for tic, sector in (FLARING, *OTHERS):
            (file,) = (SHARED_DATA / "tess").glob(f"*-s{sector:04d}-{tic:016d}-*_lc.fits")
            shutil.copy(file, directory / "input")
    else:
        star = (9000000001, 1)
        assert run(["simulate", directory / "input", "--stars", 2]).status == 0
        write_unit(results, 3002, 1, flares=())
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    job = run(["run", "--input", directory / "input", "--output", results, *settings])
    assert job.status == 0, job.stderr
    made = run(["report", results, "--output", directory / "report", "--light-curves", 1])
    assert made.status == 0, made.stderr
    return Report(directory / "report", star)


@pytest.fixture
def opened(report, web_page):
    """Open a page with all that it draws."""

    def opened(name):
        web_page.open(report.page(name))
        web_page.browser.execute_async_script(
            "const charts = Object.values(globalThis.cvzmpi?.charts ?? {});"
            "Promise.all(charts.map((chart) => chart.show())).then(arguments[0])"
        )
        if name == "gallery":
            web_page.until(lambda: web_page.all(".gallery-grid canvas[data-drawn]"))
        if name == "drawn":
            view = f"return cvzmpi.lightCurves[{report.star[1]}] !== undefined"
            web_page.until(lambda: web_page.run(view))
        return web_page

    return opened


# ----------------------------------------------------------------- for everybody


@SIZES
@EVERY_PAGE
def test_a_page_is_accessible_in_both_themes_and_no_wider_than_its_window(
    opened, web_page, name, size
):
    web_page.size(size)
    page = opened(name)
    show_all(page)
    for theme in ("light", "dark"):
        web_page.prefer(theme)
        page.until(lambda theme=theme: page.run(BACKGROUND)[theme == "light"])
        assert page.faults() == []
        assert not page.scrolls_sideways()
    assert len(page.all("h1")) == 1


BACKGROUND = """
const colour = getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number);
return [colour[0] < 128, colour[0] >= 128];
"""


CONTROLS = (
    "a[href], button, input, select, textarea, summary, [tabindex='0'], "
    "[role='button'], [role='link'], [role='slider'], [role='tab'], [role='application']"
)

WATCH_FOCUS = """
globalThis.reached = new Set();
globalThis.rounds = 0;
let first;
document.addEventListener("focusin", ({target}) => {
  if (target.tabIndex < 0) return;
  first ??= target;
  reached.add(target);
  if (target === first) rounds += 1;
});
"""

# What has the tabindex -1 is reached by arrow keys, or also by other means.
NOT_REACHED = """
const shown = (element) => element.checkVisibility({visibilityProperty: true})
  && element.getClientRects().length && !element.matches(":disabled, [tabindex='-1']");
return [...(document.querySelector("dialog[open]") ?? document).querySelectorAll(arguments[0])]
  .filter((element) => shown(element) && !reached.has(element))
  .map((element) => element.outerHTML.slice(0, 200));
"""


def show_all(page):
    """Open whatever can be opened on a page, but for further light curves."""
    for button in page.all(".tools button[aria-pressed='false']"):
        page.run("arguments[0].click()", button)  # the filters of a table
    tables = page.all("details:not(.light-curve)")
    page.run("for (const choice of arguments[0]) choice.open = true", tables)
    unfilled = (
        ".chart details[open]:not(:has(td)), .gallery-set:not([hidden]) details:not(:has(td))"
    )
    page.until(lambda: not page.all(unfilled))


def walk_with_tab(page):
    """Press Tab until the focus has gone once around the page, and say what it did not reach."""
    page.run(WATCH_FOCUS)
    for _ in range(60):
        ActionChains(page.browser).send_keys(Keys.TAB * TABS_AT_ONCE).perform()
        if page.run("return rounds") > 1:
            return page.run(NOT_REACHED, CONTROLS)
    raise AssertionError(f"{60 * TABS_AT_ONCE} times Tab do not go around the page")


@SIZES
@EVERY_PAGE
def test_tab_alone_reaches_every_control(opened, web_page, name, size):
    web_page.size(size)
    page = opened(name)
    show_all(page)
    assert walk_with_tab(page) == []
    assert page.run("return reached.size") > 10


def test_tab_alone_reaches_every_control_of_a_flare_of_the_gallery(opened):
    page = opened("gallery")
    page.run("location.hash = '#largest-1'")
    page.until(lambda: page.all("dialog[open]"))
    assert walk_with_tab(page) == []


def test_a_control_that_tab_does_not_reach_is_noticed(opened):
    page = opened("downloads")
    control = '<span role="button">no button</span>'
    page.run(
        "document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])", control
    )
    assert walk_with_tab(page) == [control]


def test_arrow_keys_reach_every_flare_of_the_gallery(opened):
    page = opened("gallery")
    grid = ".gallery-set:not([hidden]) .gallery-grid a"
    page.tab_to(".gallery-grid a")
    page.run(WATCH_FOCUS)
    n_flares = len(page.all(grid))
    assert n_flares > 1
    page.press(*[Keys.ARROW_RIGHT] * (n_flares - 1), Keys.HOME)
    assert page.run(
        "return [...document.querySelectorAll(arguments[0])].every(a => reached.has(a))", grid
    )


def test_the_pictures_of_the_documentation(report, opened, web_page):
    sector, settled = report.star[1], "return document.getAnimations().length === 0"

    def picture(name, height):
        web_page.until(lambda: web_page.run(settled))
        width = web_page.run("return innerWidth")
        web_page.size((width, height))
        web_page.screenshot(name, whole=False)
        assert not web_page.scrolls_sideways()

    def show_largest_flare():
        opened("drawn")
        number = web_page.run(
            "const {flares} = cvzmpi.lightCurves[arguments[0]].curve;"
            "const sizes = flares.map((flare) => flare.equivalent_duration ?? 0);"
            "return sizes.indexOf(Math.max(...sizes)) + 1",
            sector,
        )
        web_page.run("location.hash = arguments[0]", f"#sector-{sector}-flare-{number}")
        status = f"#sector-{sector} .light-curve-status"
        web_page.until(lambda: f"flare {number}" in web_page.one(status).text)
        web_page.run("document.querySelector(arguments[0]).scrollIntoView()", f"#sector-{sector}")

    opened("campaign")
    web_page.run("document.querySelector('#charts').scrollIntoView()")
    picture("report_charts", 1000)
    show_largest_flare()
    picture("report_light_curve", 900)
    opened("gallery")
    picture("report_gallery", 900)
    web_page.prefer("dark")
    web_page.run("location.hash = '#largest-2'")
    web_page.until(lambda: web_page.all("dialog[open]"))
    picture("report_gallery_flare_dark", 1000)
    web_page.size(PHONE)
    show_largest_flare()
    picture("report_phone_dark", 844)
    web_page.prefer("light")
    web_page.size(DESKTOP)
    opened("campaign")
    picture("report_campaign", 700)


# ----------------------------------------------------------------- charts, tables, files


def test_a_chart_zooms(opened):
    page = opened("campaign")
    (name, *_) = page.run(
        "return Object.values(cvzmpi.charts).filter(chart => chart.plot).map(chart => chart.name)"
    )
    shown = f"const {{x}} = cvzmpi.charts['{name}'].range(); return x"
    whole = page.run(shown)
    page.tab_to(f"#{name} .chart-frame")
    page.press("+", "+")
    low, high = page.run(shown)
    assert whole[0] < low < high < whole[1]
    page.press("0")
    assert page.run(shown) == whole


def test_a_light_curve_zooms_to_single_cadences(report, opened):
    page, sector = opened("drawn"), report.star[1]
    shown = f"return cvzmpi.lightCurves[{sector}].shown"
    exposure = page.run(f"return cvzmpi.lightCurves[{sector}].curve.data.exposure")
    page.tab_to(f"#sector-{sector} .light-curve-frame")
    page.press(*["+"] * 16)
    assert np.diff(page.run(shown))[0] == pytest.approx(4 * exposure)
    page.press("0", "n")
    start, stop = page.run(shown)
    assert start < page.run(f"return cvzmpi.lightCurves[{sector}].selected.peak_time") < stop


def test_what_passes_a_filter_downloads_and_opens_in_astropy(report, opened):
    page = opened("campaign")
    page.one("#stars .tools button").click()
    page.one("#stars thead input[data-key='n_flares']").send_keys(">0")
    n_stars = len(list(report.directory.glob("stars/*/*/index.html")))
    page.until(lambda: f"(of {n_stars})" in page.one("#stars .count").text)
    shown = page.texts("#stars tbody td:first-child")
    page.one("#stars .download").click()
    table = QTable.read(page.downloaded("stars.csv"), format="ascii.csv")
    assert [str(tic) for tic in table["tic"]] == shown
    assert 0 < len(table) < n_stars
    assert (table["n_flares"] > 0).all()


class StrictServer(SimpleHTTPRequestHandler):
    """A web server of files that lets a page use nothing but its own files."""

    def end_headers(self):
        self.send_header("Content-Security-Policy", "default-src 'self'")
        super().end_headers()

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def published(report):
    """The address of the report on a web server."""
    handler = functools.partial(StrictServer, directory=str(report.directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_download_of_the_published_report_opens_in_astropy(report, published, web_page, kind):
    web_page.open(f"{published}/downloads.html")
    for name in ("stars", "light_curves", "flares"):
        file = web_page.downloads / f"{name}.{kind}"
        file.unlink(missing_ok=True)
        web_page.one(f"td a[href$='/{file.name}']").click()
        table = QTable.read(web_page.downloaded(file.name), format=FORMATS[kind])
        assert report.star[0] in table["tic"]


@EVERY_PAGE
def test_a_published_page_works_as_one_of_files(report, published, web_page, name):
    web_page.open(f"{published}/{report.page(name).relative_to(report.directory)}")
    web_page.until(lambda: web_page.all(DRAWN[name]))
