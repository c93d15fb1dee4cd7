"""The page of the gallery, written and looked at in a real browser."""

import json
import re

import pytest
from mpi4py import MPI
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.keys import Keys

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.report.gallery.choice import choose_flares
from cvzmpi.cvz.results.report.gallery.write_gallery import write_gallery
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, write_unit
from tests.web_page import PHONE

STARS = (1001, 1002, 2001, 2002, 3001)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of five stars with two flares each, each star found by another search."""
    directory = tmp_path_factory.mktemp("campaign")
    for number, tic in enumerate(STARS):
        header = {"RADIUS": 0.4, "TEFF": 3300.0} if number % 2 else {}
        write_unit(directory / "results", tic, 1, header=header, change=other_events(number % 3))
    report = directory / "report"
    assert write(directory / "results", report).left_out == []
    return report


def write(results, report):
    return write_site(results, report, World(MPI.COMM_SELF), 0, search=Search.EITHER)


def flares_of(report, name):
    script = (report / "data" / f"gallery-{name}.js").read_text()
    return json.loads(re.fullmatch(rf'cvzmpi\.gallery\("{name}", (.*)\);\n', script)[1])["flares"]


# ----------------------------------------------------------------- written


def test_each_flare_leads_to_the_page_of_its_star(report):
    flares = flares_of(report, "largest")
    assert len(flares) == 2 * len(STARS)
    for flare in flares:
        page, _, anchor = flare["page"].partition("#")
        assert (report / page).exists()
        assert re.fullmatch(r"sector-1-flare-[12]", anchor)
        assert flare["speaksFor"] or flare["speaksAgainst"]


def test_a_file_that_cannot_be_read_costs_its_flares_and_is_one_line(tmp_path):
    results, report, world = tmp_path / "results", tmp_path / "report", World(MPI.COMM_SELF)
    for tic in STARS[:2]:
        write_unit(results, tic, 1)
    choice = choose_flares(update_index(results, world).directory)
    assert write_gallery(choice, results, report, world) == []
    assert {flare["star"] for flare in flares_of(report, "largest")} == {"TIC 1001", "TIC 1002"}
    (results / "001" / "1001_1.h5").write_bytes(b"no HDF5")
    (line,) = write_gallery(choice, results, report, world)
    assert line.startswith("001/1001_1.h5: ")
    assert {flare["star"] for flare in flares_of(report, "largest")} == {"TIC 1002"}
    assert "Left out: 001/1001_1.h5: " in (report / "gallery.html").read_text()


def test_a_campaign_without_flares_has_a_gallery_that_says_so(tmp_path):
    results, world = tmp_path / "results", World(MPI.COMM_SELF)
    write_unit(results, 1001, 1, flares=())
    choice = choose_flares(update_index(results, world).directory)
    assert write_gallery(choice, results, tmp_path / "report", world) == []
    page = (tmp_path / "report" / "gallery.html").read_text()
    assert page.count("There are none in this campaign.") == 5


def test_the_same_flares_are_written_each_time(report, tmp_path):
    results = report.parent / "results"
    write(results, tmp_path / "again")
    for script in (report / "data").glob("gallery-*.js"):
        assert script.read_bytes() == (tmp_path / "again" / "data" / script.name).read_bytes()


# ----------------------------------------------------------------- in the browser


@pytest.fixture
def gallery(web_page, report):
    """Open the gallery, at a fragment of its address."""

    def gallery(fragment=""):
        web_page.open((report / "gallery.html").resolve().as_uri() + fragment)
        web_page.until(lambda: web_page.all(".gallery-grid a"))
        return web_page

    return gallery


def address(page):
    return page.run("return location.hash")


def title(page):
    return page.one("#gallery-title").text


def is_open(page):
    return page.run("return document.getElementById('gallery-flare').open")


def focused(page):
    return page.run("return document.activeElement.getAttribute('href')")


def ink(page, selector):
    """How many pixels of a canvas are drawn."""
    return page.run(
        "const c = document.querySelector(arguments[0]);"
        "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "let n = 0; for (let i = 3; i < data.length; i += 4) n += data[i] > 0; return n",
        selector,
    )


def test_a_person_with_a_keyboard_reaches_everything(gallery):
    page = gallery()
    page.tab_to(".gallery-grid a")
    page.press(Keys.ARROW_RIGHT)
    assert focused(page) == "#largest-2"
    page.press(Keys.END)
    assert focused(page) == "#largest-10"
    page.press(Keys.HOME, Keys.ARROW_RIGHT, Keys.ENTER)
    page.until(lambda: is_open(page))
    assert title(page).endswith(": 2 of 10")
    assert address(page) == "#largest-2"
    page.press(Keys.ARROW_RIGHT)
    assert title(page).endswith(": 3 of 10")
    page.press(Keys.END, Keys.ARROW_RIGHT)  # behind the last one is nothing
    assert (title(page).rpartition(":")[2], address(page)) == (" 10 of 10", "#largest-10")
    page.press(Keys.HOME)
    assert title(page).endswith(": 1 of 10")
    page.tab_to("#gallery-flare .gallery-star")
    page.press(Keys.ESCAPE)
    page.until(lambda: not is_open(page))
    page.until(lambda: (focused(page), address(page)) == ("#largest-1", "#largest"))


def test_a_link_opens_a_flare_of_any_set(gallery, report):
    page = gallery("#one-search-2")
    page.until(lambda: is_open(page))
    flare = flares_of(report, "one-search")[1]
    assert title(page).startswith(f"{flare['star']}, sector 1: 2 of ")
    assert page.texts(".gallery-for li") == (flare["speaksFor"] or ["Nothing."])
    assert page.texts(".gallery-against li") == (flare["speaksAgainst"] or ["Nothing."])
    assert page.one(".gallery-star").get_attribute("href").endswith(flare["page"])
    page.run("location.hash = '#energetic-1'")
    page.until(lambda: title(page).endswith(": 1 of 4"))
    page.run("location.hash = '#longest'")
    page.until(lambda: not is_open(page))
    assert page.one(".gallery-sets [aria-current]").text.startswith("Longest")


def test_a_screen_reader_hears_each_flare(gallery):
    page = gallery("#largest-1")
    page.until(lambda: is_open(page))
    said = "return document.getElementById('gallery-announcement').textContent"
    assert page.run(said).startswith("Flare 1 of 10: TIC ")
    page.press(Keys.ARROW_RIGHT)
    assert re.search(
        r"^Flare 2 of 10: .*equivalent duration .* s, .*\d for, \d against\.$", page.run(said)
    )


def test_pictures_are_drawn_and_zoom(gallery):
    page = gallery()
    page.until(lambda: page.all(".gallery-grid canvas[data-drawn]"))
    assert ink(page, ".gallery-grid canvas[data-drawn]") > 100
    page.run("location.hash = '#largest-1'")
    page.until(lambda: is_open(page))
    assert ink(page, ".gallery-flux canvas") > 1000
    assert ink(page, ".gallery-probability canvas") > 300
    window = "const [from, to] = cvzmpi.galleryView.window(); return to - from"
    whole = page.run(window)
    page.press("+")
    assert page.run(window) == pytest.approx(whole / 2)
    page.press("-")
    assert page.run(window) == pytest.approx(whole)
    page.press("+", "+", "0")
    assert page.run(window) == pytest.approx(whole)
    over = page.one(".gallery-flux .u-over")
    drag = ActionChains(page.browser).move_to_element(over).click_and_hold()
    drag.move_by_offset(over.size["width"] // 4, 0).release().perform()
    assert page.run(window) == pytest.approx(whole / 4, rel=0.05)
    wheel = ScrollOrigin.from_element(over)
    ActionChains(page.browser).scroll_from_origin(wheel, 0, 100).perform()
    assert page.run(window) == pytest.approx(1.25 * whole / 4, rel=0.05)
    page.one("[data-zoom]").click()
    assert page.run(window) == pytest.approx(whole)


def test_flares_are_filtered_and_sorted(gallery, report):
    page = gallery()
    flares = flares_of(report, "largest")
    for search in ("both", "stella", "significance"):
        page.run(
            "const s = document.getElementById('gallery-search'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change'))",
            search,
        )
        expected = sum(flare["search"] == search for flare in flares)
        assert 0 < expected < 10
        assert len(page.all(".gallery-set:not([hidden]) .gallery-grid a")) == expected
    assert page.one("#gallery-count").text == f"{expected} of 10 flares"
    page = gallery("#longest")
    options = page.texts("#gallery-sort option")
    page.one(f"#gallery-sort option:nth-child({options.index('ED, largest first') + 1})").click()
    shown = [
        flares_of(report, "longest")[int(link.get_attribute("href").rpartition("-")[2]) - 1]
        for link in page.all(".gallery-set:not([hidden]) .gallery-grid a")
    ]
    durations = [flare["values"][1] for flare in shown]
    assert durations == sorted(durations, reverse=True)


def test_the_table_of_a_set_has_the_same_flares(gallery):
    page = gallery()
    page.one(".gallery-set:not([hidden]) summary").click()
    page.until(lambda: len(page.all(".gallery-set:not([hidden]) tbody tr")) == 10)
    page.one(".gallery-set:not([hidden]) tbody a").click()
    page.until(lambda: is_open(page))
    page.one(".gallery-cadences summary").click()
    page.until(lambda: len(page.all(".gallery-cadences tbody tr")) > 100)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_it_is_for_everybody_on_every_screen(gallery, web_page, theme, size):
    web_page.prefer(theme)
    if size == "phone":
        web_page.size(PHONE)
    page = gallery()
    assert page.faults("main") == []
    assert not page.scrolls_sideways()
    page.screenshot(f"gallery_{theme}_{size}")
    page.run("location.hash = '#largest-2'")
    page.until(lambda: is_open(page))
    assert page.faults("#gallery-flare") == []
    dialog = (
        "const d = document.getElementById('gallery-flare'); return d.scrollWidth - d.clientWidth"
    )
    assert page.run(dialog) <= 0
    page.screenshot(f"gallery_flare_{theme}_{size}")
