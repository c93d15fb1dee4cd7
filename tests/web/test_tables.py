"""Tables of pages in the browser: sorted, filtered and paged by keyboard, and downloaded."""

import json

import pytest
from astropy.table import Table
from selenium.webdriver.common.keys import Keys

from cvzmpi.web.assets import shared_assets

N_STARS = 14_385
PLANETS = {
    "columns": [
        {"key": "name", "title": "name", "unit": "", "digits": None, "text": True},
        {"key": "mass", "title": "mass", "unit": "kg", "digits": 3, "text": False},
        {"key": "moons", "title": "moons"},
        {
            **{"key": "note", "title": "note", "unit": "", "digits": None, "text": True},
            **{"hidden": True, "description": "what is said of it"},
        },
    ],
    "rows": [
        [["Mars", "mars.html"], 6.417e23, 2, "red"],
        ["Venus", 4.867e24, 0, "<b>bright</b>"],
        ["Jupiter", 1.898e27, 95, 'large, "gas"'],
        ["Planet Nine", None, None, ""],
    ],
    "sort": 1,
    "name": "planets",
}


@pytest.fixture(scope="module")
def page_of(tmp_path_factory):
    """A page with a table, without a server."""
    directory = tmp_path_factory.mktemp("page")
    for name, content in shared_assets():
        path = directory / "assets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write(name, table):
        (directory / f"{name}.js").write_text(f"cvzmpi.table('things', {json.dumps(table)});")
        page = directory / f"{name}.html"
        page.write_text(
            '<!doctype html><html lang="en"><head><title>Things</title><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<meta http-equiv='Content-Security-Policy' content=\"script-src 'unsafe-eval' file:; "
            'style-src file:">'
            '<link rel="icon" href="data:,"><link rel="stylesheet" href="assets/theme.css">'
            '<script src="assets/theme.js"></script>'
            '<script src="assets/elements.js" defer></script>'
            '<script src="assets/downloads.js" defer></script>'
            '<script src="assets/tables.js" defer></script>'
            f'<script src="{name}.js" defer></script></head><body><main id="content">'
            '<h1>Things</h1><div class="table" id="things" data-label="Things"></div></main>'
            "</body></html>"
        )
        return page

    return write


@pytest.fixture
def planets(page_of, web_page):
    web_page.open(page_of("planets", PLANETS))
    return web_page


def names(page):
    return page.texts("#things tbody td:nth-child(1)")


def type_in(page, selector, text):
    page.tab_to(selector)
    page.press(Keys.CONTROL + "a", text or Keys.DELETE)


def test_the_largest_is_first_and_what_is_not_known_is_last_both_ways(planets):
    assert names(planets) == ["Jupiter", "Venus", "Mars", "Planet Nine"]
    assert planets.texts("tbody td:nth-child(2)") == ["1.90e+27", "4.87e+24", "6.42e+23", ""]
    planets.one("th[data-key='mass'] button").click()
    assert names(planets) == ["Mars", "Venus", "Jupiter", "Planet Nine"]


def test_the_keyboard_alone_sorts_and_the_screen_reader_is_told(planets):
    def sorted_by():
        return [
            (th.get_attribute("data-key"), th.get_attribute("aria-sort"))
            for th in planets.all("th[aria-sort]")
        ]

    assert sorted_by() == [("mass", "descending")]
    planets.tab_to("th[data-key='name'] button")
    planets.press(Keys.ENTER)
    assert sorted_by() == [("name", "ascending")]
    assert names(planets) == ["Jupiter", "Mars", "Planet Nine", "Venus"]
    planets.press(" ")  # the focus stays where it was
    assert sorted_by() == [("name", "descending")]


@pytest.mark.parametrize(
    ("key", "words", "found"),
    [
        ("name", "us", ["Venus"]),
        ("name", "J", ["Jupiter"]),
        ("mass", ">1e24", ["Jupiter", "Venus"]),
        ("mass", "<= 6.417e23", ["Mars"]),
        ("mass", "1e23..5e24", ["Venus", "Mars"]),
        ("moons", "..2", ["Venus", "Mars"]),
        ("moons", "1..", ["Jupiter", "Mars"]),
        ("moons", "0..0", ["Venus"]),
        ("moons", "=95", ["Jupiter"]),
        ("moons", "9", ["Jupiter"]),
        ("moons", ">-1", ["Jupiter", "Venus", "Mars"]),
    ],
)
def test_the_keyboard_alone_filters_a_column(planets, key, words, found):
    planets.tab_to(".tools button[aria-pressed]")
    planets.press(Keys.ENTER)
    type_in(planets, f"input[data-key='{key}']", words)
    assert names(planets) == found
    status = planets.one("[role='status']").text
    assert status == f"1 to {len(found)} of {len(found)} (of 4)"
    planets.one(".clear").click()
    assert len(names(planets)) == 4


def test_a_filter_that_is_none_is_said_and_hides_nothing(planets):
    planets.one(".tools button[aria-pressed]").click()
    type_in(planets, "input[data-key='mass']", ">many")
    assert "“>many” is no filter" in planets.one("[role='alert']").text
    assert planets.one("input[data-key='mass']").get_attribute("aria-invalid") == "true"
    assert len(names(planets)) == 4
    type_in(planets, "input[data-key='mass']", "")
    assert planets.one("[role='alert']").text == ""


def test_columns_are_chosen_and_keep_the_rows(planets):
    assert planets.texts("th .title") == ["name", "mass", "moons"]
    planets.tab_to("summary")
    planets.press(Keys.ENTER)
    planets.tab_to(".columns label:nth-child(4) input")
    planets.press(" ")
    assert planets.texts("th .title") == ["name", "mass", "moons", "note"]
    assert planets.texts("tbody td:nth-child(4)")[1] == "<b>bright</b>"  # text is text
    planets.press(Keys.ESCAPE)
    assert not planets.one(".columns label").is_displayed()
    assert planets.run("return document.activeElement.tagName") == "SUMMARY"


def test_the_download_has_the_rows_and_columns_that_are_shown(planets):
    type_in(planets, "input[type='search']", "m")
    planets.one(".columns").find_element("css selector", "summary").click()
    planets.all(".columns input")[3].click()
    planets.press(Keys.ESCAPE)
    planets.tab_to(".download")
    planets.press(Keys.ENTER)
    read = Table.read(planets.downloaded("planets.csv"), format="ascii.csv")
    assert read.colnames == ["name", "mass", "moons", "note"]
    assert read["name"].tolist() == ["Mars"]
    assert read["mass"].tolist() == [6.417e23]


def test_quotes_and_commas_survive_the_download(planets):
    planets.run("document.querySelectorAll('.columns input')[3].click()")
    planets.downloads.joinpath("planets.csv").unlink(missing_ok=True)
    planets.one(".download").click()
    read = Table.read(planets.downloaded("planets.csv"), format="ascii.csv")
    assert read["note"][0] == 'large, "gas"'


def test_a_link_leads_where_it_says(planets):
    (link,) = planets.all("tbody a")
    assert (link.text, link.get_attribute("href").rpartition("/")[2]) == ("Mars", "mars.html")


def test_what_is_left_out_is_said(page_of, web_page):
    web_page.open(page_of("part", PLANETS | {"note": "The first 4 of 9 rows are here."}))
    assert "The first 4 of 9 rows are here." in web_page.texts("#things .note")


def test_thousands_of_stars_are_usable_at_once_and_paged_by_keyboard(page_of, web_page):
    columns = [
        {"key": f"c{n}", "title": f"c{n}", "unit": "s", "digits": 3, "text": False}
        for n in range(26)
    ]
    rows = [[i, *((i * 7919 * n) % N_STARS / 1e4 for n in range(1, 26))] for i in range(N_STARS)]
    page = page_of("stars", {"columns": columns, "rows": rows, "sort": None})
    web_page.open(page)
    assert len(web_page.all("tbody tr")) == 50
    assert web_page.one("[role='status']").text == "1 to 50 of 14,385"
    assert web_page.one("tr.filters").is_displayed()
    for title, first in (("Next", 50), ("Last", 14_350), ("Previous", 14_300), ("First", 0)):
        web_page.run("document.activeElement.blur()")
        web_page.one(f"button[data-turn='{title}']").send_keys(Keys.ENTER)
        assert int(float(names(web_page)[0])) == pytest.approx(first, rel=0.01)
    type_in(web_page, "input[data-key='c1']", ">1.43")
    assert web_page.one("[role='status']").text.endswith("(of 14,385)")
    assert all(float(text) >= 1.43 for text in web_page.texts("tbody td:nth-child(2)"))
    assert web_page.faults() == []
