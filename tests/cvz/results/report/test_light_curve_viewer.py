"""The light curves of the report in a real browser: all that was searched, down to a cadence.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

import re
import shutil

import numpy as np
import pytest
from astropy.table import Table
from mpi4py import MPI
from selenium.webdriver import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import write_unit
from tests.cvz.results.report.shown_light_curve import columns_of, data_of
from tests.web_page import DESKTOP, PHONE

SPIKE = 2300  # a searched cadence that is brighter than its neighbours, and in no flare
LONELY = 2400  # an outlier that was not searched, for its quality


def brighten(data):
    """One bright cadence that is searched, and one far brighter that is not."""
    data.light_curve.flux[SPIKE] = 1045.0
    data.light_curve.flux[LONELY] = 3000.0
    data.light_curve.quality[LONELY] = 16
    for column in (data.significance, data.probability):
        column[LONELY] = np.nan


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """The results and report of a star with flares in two sectors, and of a quiet one."""
    directory = tmp_path_factory.mktemp("campaign")
    write_unit(directory / "results", 1001, 1, change=brighten, header={"RADIUS": 0.4})
    write_unit(directory / "results", 1001, 2, flares=(900,))
    write_unit(directory / "results", 3002, 1, flares=())
    write_site(directory / "results", directory / "report", World(MPI.COMM_SELF), 2)
    return directory


@pytest.fixture
def star(campaign, web_page):
    """The page of the star with flares, opened at some fragment; its light curve is shown."""

    class Star:
        page = campaign / "report" / "stars" / "001" / "1001" / "index.html"

        def open(self, fragment="", sector=1):
            web_page.open("about:blank")  # else another fragment is no new page
            web_page.open(self.page.resolve().as_uri() + fragment)
            web_page.until(lambda: self.of(sector, "view !== undefined"))
            return self

        def of(self, sector, what):
            return web_page.run(f"const view = cvzmpi.lightCurves[{sector}]; return {what}")

        @property
        def shown(self):
            return self.of(1, "view.shown")

        @property
        def all(self):
            return self.of(1, "view.all")

        @property
        def exposure(self):
            return self.of(1, "view.curve.data.exposure")

        @property
        def frame(self):
            return web_page.one("#sector-1 .light-curve-frame")

        def says(self, text, part="status"):
            """Wait for words of the status, the readout or the facts of the flare."""
            web_page.until(lambda: text in web_page.one(f"#sector-1 .light-curve-{part}").text)

        def colour_at(self, row):
            """The colour with which a cadence of sector 1 is drawn, in the upper plot."""
            return web_page.run(
                """const {upper, curve} = cvzmpi.lightCurves[1];
                const i = curve.row.indexOf(arguments[0]);
                const place = [[curve.time[i], "x"], [curve.flux[i], "y"]];
                const [x, y] = place.map(([value, axis]) => upper.valToPos(value, axis, true));
                const copy = document.createElement("canvas");
                [copy.width, copy.height] = [upper.ctx.canvas.width, upper.ctx.canvas.height];
                const ctx = copy.getContext("2d", {willReadFrequently: true});
                ctx.drawImage(upper.ctx.canvas, 0, 0);
                return [...ctx.getImageData(Math.floor(x), Math.floor(y), 1, 1).data].slice(0, 3)
                """,
                row,
            )

    return Star()


def theme_colour(web_page, name):
    """A colour of the theme, as red, green and blue."""
    text = web_page.run("return cvzmpi.colour(arguments[0])", name)
    return [int(text[i : i + 2], 16) for i in (1, 3, 5)]


def test_the_browser_opens_what_python_packed(campaign, star, web_page):
    star.open()
    content = SearchedFile.read(campaign / "results" / "001" / "1001_1.h5")
    columns = columns_of(data_of((star.page.parent / "1.js").read_text()))
    rows = np.array(star.of(1, "Array.from(view.curve.row)"))
    assert rows.tolist() == np.flatnonzero(np.isfinite(columns["flux"])).tolist()
    for name in ("time", "flux", "error", "mean", "sd", "probability", "quality"):
        shown = np.array(star.of(1, f"Array.from(view.curve.{name})"), float)  # NaN comes as None
        assert shown == pytest.approx(columns[name][rows].astype(float), rel=1e-12, nan_ok=True)
    states = star.of(1, "Array.from(view.curve.state, (state) => view.curve.data.states[state])")
    assert states == columns["state"][rows].tolist()
    flaring = np.array(star.of(1, "Array.from(view.curve.flaring)"), bool)
    assert np.array_equal(flaring, content.searched.flaring[rows])


def test_a_light_curve_is_loaded_when_it_is_opened(star, web_page):
    star.open()
    assert web_page.run("return document.querySelectorAll('script[src=\"2.js\"]').length") == 0
    web_page.one("#sector-2 > summary").click()
    web_page.until(lambda: star.of(2, "view !== undefined"))
    assert "1 flare found" in web_page.one("#sector-2-summary").text


def test_nothing_that_was_searched_is_hidden_when_all_is_shown(star, web_page):
    star.open()
    star.says("2 flares")
    assert star.colour_at(1900) == theme_colour(web_page, "flare")
    assert star.colour_at(400) == theme_colour(web_page, "flare")
    assert star.colour_at(SPIKE) == theme_colour(web_page, "data")
    top = star.of(1, "view.upper.scales.y.max")
    assert top > star.of(1, "Math.max(...view.curve.flux.filter((_, i) => !view.curve.state[i]))")
    assert top < 2.9  # what was not searched is an arrow at the edge
    web_page.run("cvzmpi.chooseTheme('dark')")
    web_page.until(lambda: star.colour_at(1900) == theme_colour(web_page, "flare"))
    web_page.run("cvzmpi.chooseTheme('light')")


def test_the_wheel_zooms_to_single_cadences_once_it_is_chosen(star, web_page):
    star.open()
    over = web_page.one("#sector-1 .u-over")
    web_page.run("arguments[0].scrollIntoView({block: 'center'})", over)
    origin = ScrollOrigin.from_element(over)
    before = star.shown
    ActionChains(web_page.browser).scroll_from_origin(origin, 0, 20).perform()
    assert star.shown == before
    ActionChains(web_page.browser).move_to_element(over).click().perform()
    for _ in range(12):
        ActionChains(web_page.browser).scroll_from_origin(origin, 0, -600).perform()
    star.says("cadence")
    start, stop = star.shown
    assert stop - start == pytest.approx(4 * star.exposure)
    assert star.of(1, "view.upper.scales.x.max - view.upper.scales.x.min") == pytest.approx(
        stop - start
    )


def test_the_keyboard_alone_reaches_a_cadence_and_each_flare(star, web_page):
    star.open()
    web_page.tab_to("#sector-1 .light-curve-frame")
    for _ in range(14):
        web_page.press("+")
    start, stop = star.shown
    assert stop - start == pytest.approx(4 * star.exposure)
    star.says("8 min" if star.exposure > 1e-3 else "")
    ActionChains(web_page.browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(
        Keys.SHIFT
    ).perform()
    star.says("flux", "readout")
    first = int(re.search(r"cadence (\d+)", web_page.one("#sector-1 .light-curve-readout").text)[1])
    ActionChains(web_page.browser).key_down(Keys.SHIFT).send_keys(Keys.ARROW_RIGHT).key_up(
        Keys.SHIFT
    ).perform()
    star.says(f"cadence {first + 1} ", "readout")
    web_page.press(Keys.ARROW_RIGHT)
    assert star.shown[0] > start
    web_page.press("0")
    assert star.shown == pytest.approx(star.all)
    for number in (1, 2, 1):
        web_page.press("n")
        star.says(f"Flare {number}, found by", "facts")
        peak = star.of(1, f"view.curve.flares[{number - 1}].peak_time")
        assert star.shown[0] < peak < star.shown[1]
    web_page.press("p")
    star.says("Flare 2, found by", "facts")
    web_page.press("-")
    assert np.diff(star.shown) > 0.1


def test_dragging_zooms_and_with_shift_moves(star, web_page):
    star.open()
    over = web_page.one("#sector-1 .u-over")
    web_page.run("arguments[0].scrollIntoView({block: 'center'})", over)
    drag = ActionChains(web_page.browser).move_to_element(over).click_and_hold()
    drag.move_by_offset(100, 0).release().perform()
    span = np.diff(star.all)[0]
    start, stop = star.shown
    assert stop - start == pytest.approx(100 / over.size["width"] * span, rel=0.03)
    assert start == pytest.approx(np.mean(star.all), abs=0.01 * span)
    drag = ActionChains(web_page.browser).key_down(Keys.SHIFT).move_to_element(over)
    drag.click_and_hold().move_by_offset(-100, 0).release().key_up(Keys.SHIFT).perform()
    moved = star.shown
    assert moved[1] - moved[0] == pytest.approx(stop - start)
    assert moved[0] - start == pytest.approx(100 / over.size["width"] * (stop - start), rel=0.1)


def test_the_address_of_a_flare_shows_it(star, web_page):
    star.open("#sector-2-flare-1", sector=2)
    web_page.until(lambda: star.of(2, "view.selected?.number") == 1)
    start, stop = star.of(2, "view.shown")
    assert stop - start < 0.3
    link = web_page.one("#flare-table tbody a[href='#sector-1-flare-2']")
    web_page.run("arguments[0].click()", link)
    web_page.until(lambda: star.of(1, "view?.selected?.number") == 2)
    assert web_page.one("#sector-1").get_attribute("open")
    web_page.run("cvzmpi.lightCurves[1].showAll()")
    web_page.run("arguments[0].click()", link)  # once more
    web_page.until(lambda: np.diff(star.shown) < 0.3)


def test_the_table_of_flares_shows_each(star, web_page):
    star.open()
    web_page.one("#sector-1 .light-curve-flares summary").click()
    rows = web_page.texts("#sector-1 .light-curve-flares tbody tr")
    assert len(rows) == 2
    web_page.one("#sector-1 [data-flare='2']").click()
    star.says("flare 2")
    assert web_page.one("#sector-1 tr[aria-current]").text == rows[1]


def test_what_would_have_been_found_is_at_hand(campaign, star, web_page):
    content = SearchedFile.read(campaign / "results" / "001" / "1001_1.h5")
    curve = content.completeness_curve()
    star.open("#sector-1-flare-2")
    star.says("a flare of this ED is found in", "facts")
    (share,) = curve(content.measured_flares["equivalent_duration"][1:])
    assert f"found in {100 * share:.0f} %" in web_page.one("#sector-1 .light-curve-facts").text
    output = "#sector-1 .completeness-readout output"
    assert f"ED {curve.limit(0.5).value:.3g}"[:6] in web_page.one(output).text
    web_page.one("#sector-1-share").send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert web_page.one(output).text.startswith("40 % of the cases")
    value, _ = web_page.run(
        "return cvzmpi.lightCurveParts.smallestFoundIn("
        "cvzmpi.lightCurves[1].curve.data.completeness, 0.7)"
    )
    assert value == pytest.approx(curve.limit(0.7).value, rel=1e-6)


def test_a_cadence_is_read_out_under_the_pointer(star, web_page):
    star.open("#sector-1-flare-2")
    star.says("flare 2")
    over = web_page.one("#sector-1 .u-over")
    ActionChains(web_page.browser).move_to_element(over).perform()
    star.says("BTJD · cadence", "readout")
    text = web_page.one("#sector-1 .light-curve-readout").text
    row = int(re.search(r"cadence (\d+)", text)[1])
    data = columns_of(data_of((star.page.parent / "1.js").read_text()))
    assert text.startswith(f"{data['time'][row]:.6f} BTJD")
    assert f"flux {data['flux'][row]:.5f}" in text
    assert all(word in text for word in ("model", "probability", "quality 0"))


def test_what_is_visible_is_saved(star, web_page):
    star.open("#sector-1-flare-1")
    star.says("flare 1")
    n_shown = int(re.search(r"(\d+) cadences", web_page.one(".light-curve-status").text)[1])
    web_page.one("#sector-1 [aria-label^='Save what is visible as CSV']").click()
    table = Table.read(web_page.downloaded("TIC_1001_sector_1.csv"), format="ascii.csv")
    assert len(table) == n_shown
    data = columns_of(data_of((star.page.parent / "1.js").read_text()))
    rows = table["cadence"].data
    assert np.allclose(table["flux"], data["flux"][rows], atol=1e-8)
    assert np.abs(table["time_btjd"] - data["time"][rows]).max() < 1e-6
    assert 400 in rows[table["flare"].filled(0) == 1]
    web_page.one("#sector-1 [aria-label^='Save as PNG']").click()
    assert web_page.downloaded("TIC_1001_sector_1.png").read_bytes().startswith(b"\x89PNG")


def test_a_quiet_star_and_one_without_a_model_are_shown(campaign, web_page, tmp_path):
    quiet = campaign / "report" / "stars" / "002" / "3002" / "index.html"
    web_page.open(quiet)
    web_page.until(lambda: web_page.run("return cvzmpi.lightCurves[1] !== undefined"))
    assert "No flare was found." in web_page.one("#sector-1-summary").text
    assert web_page.all("#sector-1 .light-curve-flares") == []
    write_unit(tmp_path / "results", 1001, 1, model=False)
    write_site(tmp_path / "results", tmp_path / "report", World(MPI.COMM_SELF), 1)
    web_page.open(tmp_path / "report" / "stars" / "001" / "1001" / "index.html")
    web_page.until(lambda: web_page.run("return cvzmpi.lightCurves[1] !== undefined"))
    assert web_page.texts("#sector-1 select option") == ["flare probability"]


def test_a_script_that_is_gone_is_said(campaign, web_page, tmp_path):
    report = shutil.copytree(campaign / "report", tmp_path / "report")
    page = report / "stars" / "001" / "1001" / "index.html"
    (page.parent / "1.js").unlink()
    web_page.open(page)
    words = "This light curve cannot be shown: 1.js is not beside this page."
    web_page.until(lambda: web_page.one("#sector-1 .light-curve-view").text == words)
    assert any("1.js" in line for line in web_page.console_errors())


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_anybody_can_use_it_on_a_desk_and_on_a_phone(star, web_page, theme):
    web_page.prefer(theme)
    star.open("#sector-1-flare-2")
    star.says("flare 2")
    web_page.one("#sector-1 .light-curve-flares summary").click()
    assert web_page.faults("#light-curves") == []
    web_page.screenshot(f"light_curve_{theme}")
    web_page.size(PHONE)
    web_page.until(lambda: star.of(1, "view.upper.width") < 390)
    assert not web_page.scrolls_sideways()
    assert web_page.faults("#light-curves") == []
    web_page.screenshot(f"light_curve_{theme}_phone")
    web_page.size(DESKTOP)


def test_two_fingers_zoom_and_one_moves(star, web_page):
    web_page.size(PHONE)
    star.open()
    over = web_page.one("#sector-1 .u-over")
    web_page.run("arguments[0].scrollIntoView({block: 'center'})", over)
    box = web_page.run("return arguments[0].getBoundingClientRect().toJSON()", over)
    middle, y = box["left"] + box["width"] / 2, box["top"] + 80

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, x in enumerate(places)]
        parameters = {"type": kind, "touchPoints": points}
        web_page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", parameters)

    touch("touchStart", middle - 20, middle + 20)
    for distance in (30, 50, 80):
        touch("touchMove", middle - distance, middle + distance)
    touch("touchEnd")
    zoomed = star.shown
    assert np.diff(zoomed)[0] == pytest.approx(np.diff(star.all)[0] / 4, rel=0.2)
    touch("touchStart", middle)
    for step in (20, 40, 60):
        touch("touchMove", middle + step)
    touch("touchEnd")
    assert np.diff(star.shown) == pytest.approx(np.diff(zoomed))
    assert star.shown[0] < zoomed[0]
    web_page.size(DESKTOP)
