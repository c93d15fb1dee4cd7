"""Charts in a browser: they are drawn, zoom by mouse, wheel, fingers and keys, and download."""

import csv
import math
import shutil

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from cvzmpi.web.assets import ASSETS
from cvzmpi.web.chart import (
    SCRIPTS,
    STYLES,
    Axis,
    Chart,
    Fact,
    Mark,
    SecondAxis,
    Series,
    charts_script,
)
from tests.web_page import DESKTOP, PHONE

DURATIONS, RATES = [1.0, 3.0, 10.0, 30.0, 250.0], [4.0, 2.0, 0.8, 0.2, 0.02]
N_STARS = 14_385


def distribution():
    low, high = [0.7 * rate for rate in RATES], [1.4 * rate for rate in RATES]
    return Chart(
        "distribution",
        "Flare frequency distribution",
        "How often flares at least as large happen.",
        Axis("Equivalent duration", "s", log=True),
        Axis("Flare rate", "1/d", log=True),
        (
            Series(
                "corrected",
                DURATIONS,
                RATES,
                low=low,
                high=high,
                labels=[f"flare {number}" for number in range(5)],
                links=[f"page.html#{number}" for number in range(5)],
                facts=(Fact("sector", ["1", "1", "2", "2", "27"]),),
            ),
            Series("limit", [100.0], [0.5], limit="upper", colour="data"),
            Series("power law", [2.0, 300.0], [3.0, 0.01], kind="line", colour="model"),
        ),
        second_x=SecondAxis("Energy", "erg", 3.2e31),
        marks=(Mark(-math.inf, "not fitted", until=2.0),),
    )


def stars():
    rng = np.random.default_rng(1)
    temperature = rng.uniform(3000, 7000, N_STARS)
    labels = [f"TIC {number}" for number in range(N_STARS)]
    series = Series(
        "stars",
        temperature,
        (temperature / 5772) ** 6,
        labels=labels,
        links=[f"stars/{number % 1000:03d}/{number}/index.html" for number in range(N_STARS)],
        value=rng.lognormal(size=N_STARS),
        value_title="flares a day",
        value_log=True,
    )
    x, y = Axis("Temperature", "K", reversed=True), Axis("Luminosity", "L☉", log=True)
    return Chart("stars", "Hertzsprung-Russell diagram", "All stars.", x, y, (series,))


def others():
    counts = Axis("Flares", whole=True, covers=(0.0,))
    sectors = Axis("TESS sector", words=("1", "27"))
    share, amplitude = Axis("Completeness", covers=(0.0, 1.0)), Axis("Amplitude", "%", log=True)
    band = Series("68 %", [1, 2, 4], [0, 0.5, 1], kind="band", low=[0, 0.4, 0.9], high=[0, 0.6, 1])
    edges = Series("light curves", [1.0, 2.0, 4.0], [1, 2], kind="bars")
    return (
        Chart("sectors", "Flares", "By sector.", sectors, counts, (_bars("all", [1, 2]),)),
        Chart("histogram", "Limits", "Histogram.", amplitude, counts, (edges,)),
        Chart("completeness", "Completeness", "Band.", amplitude, share, (band,)),
        Chart("none", "Indices", "Steepness.", amplitude, share, nothing="No star has flares."),
    )


def _bars(name, values):
    return Series(name, list(range(len(values))), values, kind="bars", colour="flare")


@pytest.fixture(scope="module")
def page_of_charts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("charts")
    shutil.copytree(ASSETS, directory / "assets")
    charts = [distribution(), stars(), *others()]
    (directory / "data.js").write_text(charts_script(charts))
    head = "".join(
        f'<link rel="stylesheet" href="assets/{file}">' for file in ("theme.css", *STYLES)
    ) + "".join(
        f'<script src="assets/{file}"></script>'
        for file in ("theme.js", "elements.js", "downloads.js", *SCRIPTS)
    )
    places = "".join(f'<div class="chart" id="{chart.name}"></div>' for chart in charts)
    (directory / "index.html").write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Charts</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>'
        f'<body><main id="content"><h1>Charts</h1><div class="charts">{places}</div></main>'
        '<script src="data.js"></script></body></html>'
    )
    (directory / "page.html").write_text("<!doctype html><title>A page</title>")
    return directory / "index.html"


class Charts:
    """The charts of a page as a person uses them."""

    def __init__(self, page):
        self.page = page

    def open(self, path):
        self.page.open(path)
        self.page.browser.execute_async_script(
            "Promise.all(Object.values(cvzmpi.charts).map(chart => chart.show()))"
            ".then(() => requestAnimationFrame(() => setTimeout(arguments[0])))"
        )

    def range(self, name):
        found = self.page.run("return cvzmpi.charts[arguments[0]].range()", name)
        return found["x"], found["y"]

    def frame(self, name):
        """The part of a chart in which things are drawn."""
        return self.page.one(f"#{name} .u-over")

    def place(self, name, x, y):
        """Where a value is, in pixels from the middle of the frame."""
        script = (
            "const plot = cvzmpi.charts[arguments[0]].plot;"
            "return [plot.valToPos(arguments[1], 'x') - plot.over.clientWidth / 2,"
            "        plot.valToPos(arguments[2], 'y') - plot.over.clientHeight / 2]"
        )
        return [round(value) for value in self.page.run(script, name, x, y)]

    def pixels(self, name):
        """A checksum of what is drawn."""
        script = (
            "const {canvas} = cvzmpi.charts[arguments[0]].plot.ctx;"
            "return canvas.toDataURL() + canvas.width"
        )
        return hash(self.page.run(script, name))

    def ticks(self, name, axis):
        script = "return cvzmpi.charts[arguments[0]].plot.axes[arguments[1]]._values"
        return self.page.run(script, name, axis)

    def act(self):
        return ActionChains(self.page.browser, duration=50)


@pytest.fixture
def charts(page_of_charts, web_page):
    shown = Charts(web_page)
    shown.open(page_of_charts)
    return shown


def inside(inner, outer):
    return all(o[0] <= i[0] and i[1] <= o[1] for i, o in zip(inner, outer, strict=True))


def test_charts_are_drawn_when_they_come_into_view(page_of_charts, web_page):
    web_page.size(PHONE)
    web_page.open(page_of_charts)
    web_page.until(lambda: web_page.all("#distribution canvas"))
    assert not web_page.all("#completeness canvas")
    web_page.run("document.getElementById('completeness').scrollIntoView()")
    web_page.until(lambda: web_page.all("#completeness canvas"))


def test_dragging_zooms_and_a_double_click_shows_all(charts, web_page):
    whole = charts.range("distribution")
    frame = charts.frame("distribution")
    start, stop = charts.place("distribution", 3, 2), charts.place("distribution", 30, 0.2)
    act = charts.act().move_to_element_with_offset(frame, *start).click_and_hold()
    act.move_to_element_with_offset(frame, *stop).release().perform()
    x, y = charts.range("distribution")
    assert x == pytest.approx([3, 30], rel=0.05)
    assert y == pytest.approx([0.2, 2], rel=0.05)
    charts.act().double_click(frame).perform()
    assert charts.range("distribution") == whole


def test_a_drag_along_one_axis_keeps_the_other(charts):
    whole = charts.range("histogram")
    frame = charts.frame("histogram")
    act = charts.act().move_to_element_with_offset(frame, -60, 0).click_and_hold()
    act.move_to_element_with_offset(frame, 60, 5).release().perform()
    x, y = charts.range("histogram")
    assert y == whole[1]
    assert x[1] - x[0] < 0.6 * (whole[0][1] - whole[0][0])


def test_keys_zoom_move_and_show_all(charts, web_page):
    whole = charts.range("stars")
    web_page.tab_to("#stars .chart-frame")
    web_page.press("+")
    near = charts.range("stars")
    assert inside(near, whole)
    assert near != whole
    web_page.press(Keys.ARROW_RIGHT)
    assert charts.range("stars")[0][0] < near[0][0]  # the axis is reversed
    web_page.press(Keys.ARROW_UP)
    assert charts.range("stars")[1][0] > near[1][0]
    said = web_page.run("return document.querySelector('#stars [role=status]').textContent")
    assert said.startswith("Temperature ")
    web_page.press("-", "0")
    assert charts.range("stars") == whole
    web_page.press("+", Keys.HOME)
    assert charts.range("stars") == whole


def test_the_wheel_scrolls_the_page_until_the_chart_is_chosen(charts, web_page):
    turn = (
        "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -300, cancelable: true,"
        " bubbles: true, clientX: arguments[0].getBoundingClientRect().x + 50,"
        " clientY: arguments[0].getBoundingClientRect().y + 50}))"
    )
    whole, frame = charts.range("histogram"), charts.frame("histogram")
    web_page.run(turn, frame)
    assert charts.range("histogram") == whole
    frame.click()
    web_page.run(turn, frame)
    assert inside(charts.range("histogram"), whole)
    assert charts.range("histogram") != whole


def test_two_fingers_zoom(charts, web_page):
    whole, frame = charts.range("histogram"), charts.frame("histogram")
    finger = (
        "const box = arguments[0].getBoundingClientRect();"
        "arguments[0].setPointerCapture = () => {};"
        "for (const [kind, id, x] of [['down', 1, 100], ['down', 2, 140], ['move', 2, 240],"
        " ['up', 1, 100], ['up', 2, 240]])"
        "  arguments[0].dispatchEvent(new PointerEvent('pointer' + kind, {pointerId: id,"
        "   pointerType: 'touch', bubbles: true, clientX: box.x + x, clientY: box.y + 100}))"
    )
    web_page.run(finger, frame)
    x, _ = charts.range("histogram")
    assert math.log(x[1] / x[0]) == pytest.approx(
        math.log(whole[0][1] / whole[0][0]) * 40 / 140, rel=0.05
    )


def test_a_point_shows_its_values_and_leads_to_its_page(charts, web_page):
    frame = charts.frame("distribution")
    charts.act().move_to_element_with_offset(
        frame, *charts.place("distribution", 10, 0.8)
    ).perform()
    tip = web_page.one("#distribution .chart-tip")
    web_page.until(tip.is_displayed)
    assert tip.text.splitlines() == [
        "flare 2",
        "sector: 2",
        "Equivalent duration: 10 s",
        "Energy: 3.2×10³² erg",
        "Flare rate: 0.8 (0.56 to 1.12) 1/d",
    ]
    charts.act().click().perform()
    web_page.until(lambda: web_page.browser.current_url.endswith("page.html#2"))


def test_a_limit_is_told_from_a_value(charts, web_page):
    frame = charts.frame("distribution")
    charts.act().move_to_element_with_offset(
        frame, *charts.place("distribution", 100, 0.5)
    ).perform()
    assert "Flare rate: < 0.5 1/d" in web_page.one("#distribution .chart-tip").text


def test_the_table_has_the_numbers_of_the_chart(charts, web_page):
    web_page.one("#distribution summary").click()
    web_page.until(lambda: web_page.all("#distribution table"))
    head = web_page.texts("#distribution thead th[scope='col']")
    assert head[:4] == ["Series", "Name", "sector", "Equivalent duration [s]"]
    rows = web_page.run(
        "return [...document.querySelectorAll('#distribution tbody tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert [float(row[3]) for row in rows[:5]] == DURATIONS
    rate, energy = head.index("Flare rate [1/d]"), head.index("Energy [erg]")
    assert [float(row[rate]) for row in rows[:5]] == RATES
    assert rows[0][energy] == "3.2×10³¹"
    assert float(rows[5][head.index("upper limit of Flare rate [1/d]")]) == 0.5
    assert web_page.one("#distribution caption").text.startswith("Flare frequency distribution")
    assert len(web_page.all("#distribution tbody th[scope='row']")) == len(rows) == 8


def test_a_long_table_comes_in_parts(charts, web_page):
    web_page.one("#stars summary").click()
    web_page.until(lambda: len(web_page.all("#stars tbody tr")) == 500)
    more = web_page.one("#stars details > button")
    assert more.text == "More rows (500 of 14,385)"
    more.click()
    assert len(web_page.all("#stars tbody tr")) == 1000


def test_buttons_download_the_numbers_and_the_picture(charts, web_page):
    for number in (1, 2):
        web_page.all("#stars .chart-tools button")[-number].click()
    with web_page.downloaded("stars.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (series,) = stars().series
    assert len(rows) == N_STARS
    for column, values in (
        ("Temperature [K]", series.x),
        ("Luminosity [L☉]", series.y),
        ("flares a day", series.value),
    ):
        assert np.allclose([float(row[column]) for row in rows], values, rtol=1e-6)
    assert [row["Name"] for row in rows] == series.labels
    picture = np.asarray(Image.open(web_page.downloaded("stars.png")).convert("RGB"))
    assert picture.shape[1] >= 1800
    assert picture.std() > 10


def test_a_series_can_be_hidden(charts, web_page):
    before = charts.pixels("distribution")
    button = web_page.one("#distribution .chart-key button")
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    web_page.until(lambda: charts.pixels("distribution") != before)
    button.click()
    web_page.until(lambda: charts.pixels("distribution") == before)


def test_another_theme_and_another_size_draw_anew(charts, web_page):
    light = charts.pixels("distribution")
    web_page.prefer("dark")
    web_page.until(lambda: charts.pixels("distribution") != light)
    dark = charts.pixels("distribution")
    web_page.size(PHONE)
    web_page.until(lambda: charts.pixels("distribution") != dark)
    width = "return arguments[0].getBoundingClientRect().width"
    web_page.until(lambda: web_page.run(width, web_page.one("#distribution canvas")) <= PHONE[0])


@pytest.mark.parametrize(
    ("low", "high", "axis", "ticks"),
    [
        (0, 1, {"whole": True}, ["0", "1"]),
        (0, 3.3, {"whole": True}, ["0", "1", "2", "3"]),
        (0.02, 500, {"log": True}, ["0.1", "1", "10", "100"]),
        (3, 40, {"log": True}, ["5", "10", "20"]),
        (12, 26, {"log": True}, ["15", "20", "25"]),
        (1e30, 1e35, {"log": True}, ["10³⁰", "10³¹", "10³²", "10³³", "10³⁴", "10³⁵"]),
        (1e-12, 1e12, {"log": True}, ["10⁻¹⁰", "10⁻⁵", "10⁰", "10⁵", "10¹⁰"]),
        (2459000.1, 2459000.5, {}, ["2459000.1", "2459000.2", "2459000.3", "2459000.4"]),
        (-1, 1, {}, ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        (0, 0.0005, {}, ["0", "10⁻⁴", "2×10⁻⁴", "3×10⁻⁴", "4×10⁻⁴", "5×10⁻⁴"]),
    ],
)
def test_ticks_are_numbers_that_people_write(charts, web_page, low, high, axis, ticks):
    script = (
        "const ticks = cvzmpi.ticks(arguments[0], arguments[1], arguments[2], 6);"
        "return ticks.values.map(ticks.text)"
    )
    shown = web_page.run(script, low, high, axis)
    assert shown[: len(ticks)] == ticks


@pytest.mark.parametrize(
    ("value", "digits", "error", "text"),
    [
        (None, 3, None, "–"),
        (0, 3, None, "0.00"),
        (12.3, 4, None, "12.30"),
        (12.3, 4, 0.4512, "12.30 ± 0.45"),
        (12345.6, 4, 123.4, "12346 ± 123"),
        (9.999, 3, None, "10.0"),
        (2.5e33, 3, None, "2.50×10³³"),
        (2.5e33, 3, 1.23e32, "(2.50 ± 0.12)×10³³"),
        (9.999e32, 3, 0, "1.00×10³³"),
        (-2.5e-5, 2, None, "-2.5×10⁻⁵"),
    ],
)
def test_measured_numbers_have_all_their_digits(charts, web_page, value, digits, error, text):
    assert web_page.run("return cvzmpi.measuredText(...arguments)", value, digits, error) == text


def test_the_second_axis_has_the_same_range_in_its_unit(charts):
    assert charts.ticks("distribution", 0) == ["1", "10", "100"]
    assert charts.ticks("distribution", 2) == ["10³²", "10³³", "10³⁴"]
    assert charts.ticks("sectors", 0) == ["1", "27"]
    assert charts.ticks("histogram", 1) == ["0", "1", "2"]


def test_a_chart_that_is_described_anew_replaces_the_former_one(charts, web_page):
    web_page.run(
        "const {x, y, described} = cvzmpi.charts.histogram;"
        "cvzmpi.chart('histogram', {title: 'Anew', caption: '', x, y, series: described,"
        " second: null, marks: [], equal: false, nothing: ''})"
    )
    web_page.browser.execute_async_script("cvzmpi.charts.histogram.show().then(arguments[0])")
    assert web_page.texts("#histogram .chart-title") == ["Anew"]
    assert len(web_page.all("#histogram .uplot")) == 1


def test_a_chart_without_points_says_why(charts, web_page):
    assert "No star has flares." in web_page.one("#none").text
    assert not web_page.all("#none canvas")


def test_fourteen_thousand_stars_are_drawn_well_below_a_second(charts, web_page):
    script = (
        "const chart = cvzmpi.charts.stars, start = performance.now(), done = arguments[0];"
        "chart.plot.hooks.draw.push(() => done(performance.now() - start)); chart.redraw()"
    )
    assert web_page.browser.execute_async_script(script) < 1000


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_charts_are_accessible_and_no_wider_than_the_window(page_of_charts, web_page, size, theme):
    web_page.size(size)
    web_page.prefer(theme)
    Charts(web_page).open(page_of_charts)
    for choice in web_page.all("details"):
        web_page.run("arguments[0].open = true", choice)
    web_page.until(lambda: len(web_page.all("table")) == len(web_page.all("details")))
    assert web_page.faults() == []
    assert not web_page.scrolls_sideways()
    for frame in web_page.all(".chart-frame"):
        assert frame.get_attribute("aria-label")
    web_page.screenshot(f"charts_{size[0]}_{theme}")
