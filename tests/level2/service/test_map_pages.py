"""The pages of maps in a real browser, and their JSON: each map, and the profiles of its pixels.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

import os
import shutil
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import requests
from matplotlib.image import imread

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.level2.inversion.inversion_file import read_so_far
from cvzmpi.level2.inversion.inversion_unit import record_of
from cvzmpi.level2.inversion.recorded_maps import last_maps
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.product.handing_in import ReadyEvent, hand_in
from cvzmpi.level2.programs.catalogue import Catalogue
from tests.level2.example_rows import OP, calcium, row
from tests.level2.service.served import served
from tests.level2.stand_in_store import StandInStore, serving
from tests.level2.sunspot import SHAPE, WITHOUT_PROFILES, make_sunspot
from tools.harness.job_process import wait_until

PHONE = 390
MAP = "SPOT"
ADDRESS = f"programs/{OP}/maps/{MAP}"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service with a program that is being inverted: its address, and its files."""
    directory = tmp_path_factory.mktemp("served")
    location = str(directory / "ledger.sqlite")
    spot = make_sunspot(directory / "maps", n_inverted=0)
    with ExitStack() as stack:
        store = stack.enter_context(serving(StandInStore()))
        store.datasets = [row(), calcium()]
        address, _ = stack.enter_context(served(location, store, directory))
        ledger = stack.enter_context(Ledger.open(location))
        wait_until(lambda: len(Catalogue(ledger).qualifications()) == 1)
        prepared = PreparedMap.read(spot.prepared)
        with ledger.job("test") as job:
            maps = record_of([(directory / "level1", prepared)])
            ledger.record([Event(OP, State.PREPROCESSED, detail={"maps": maps})], job)
        (one,) = last_maps(ledger.history(OP), directory / "maps" / "inverted")
        make_sunspot(directory / "again", n_inverted=11, inverted=one.inverted)
        yield address, one


@pytest.fixture
def page(browser, browser_until):
    from selenium.webdriver.common.by import By

    class Page:
        wait_until = staticmethod(browser_until)

        def one(self, selector):
            return browser.find_element(By.CSS_SELECTOR, selector)

        def all(self, selector):
            return browser.find_elements(By.CSS_SELECTOR, selector)

        def complaints(self):
            messages = [entry["message"] for entry in browser.get_log("browser")]
            return [message for message in messages if "favicon" not in message]

        def screenshot(self, name):
            if directory := os.environ.get("CVZMPI_SCREENSHOTS"):
                browser.save_screenshot(str(Path(directory) / f"{name}.png"))

        def width(self, pixels):
            command = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", command)

        def scrolls_sideways(self):
            script = "const e = document.scrollingElement; return e.scrollWidth - e.clientWidth"
            return browser.execute_script(script) > 0

    return Page()


def shown_values(page):
    """What the table of the pixel says, by quantity."""
    rows = page.all("#values tbody tr")
    return {r.get_attribute("data-name"): r.text.rpartition("\n")[2] for r in rows}


def test_a_person_looks_at_maps_and_clicks_on_a_pixel(service, browser, page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    address, one = service
    browser.get(f"{address}/programs/{OP}")
    for picture in page.all("#maps-of-program img"):
        browser.execute_script("arguments[0].scrollIntoView()", picture)
    script = (
        "return [...document.querySelectorAll('#maps-of-program img')].map(i => i.naturalWidth)"
    )
    page.wait_until(lambda: all(browser.execute_script(script)))
    assert len(page.all("#maps-of-program img")) == 4
    page.screenshot("thumbnails")

    page.one("#maps-of-program a.thumbnails").click()
    page.wait_until(lambda: page.one("h1").text == f"Map {MAP}")
    assert "14.4 x 14.4 arcsec, 10.4 x 10.4 Mm" in page.one("#size").text
    assert "264 of 384 pixels inverted so far, 69%." in page.one("main").text
    titles = [title.text for title in page.all("#maps figcaption strong")]
    assert titles[:2] == ["Continuum intensity [quiet Sun]", "Field strength [G]"]
    assert len(titles) == 7

    # a click on the middle of pixel 8, 12, counted from the lower left
    strength = page.all("svg.map")[1]
    size = strength.size
    by = ((8.5 / 16 - 0.5) * size["width"], (0.5 - 12.5 / 24) * size["height"])
    ActionChains(browser).move_to_element_with_offset(strength, *by).click().perform()
    page.wait_until(lambda: "Scan position 8, pixel 12" in page.one("#pixel-status").text)
    opened = open_map(one.inverted, one.prepared)
    wanted = {value.name: value for value in opened.values(8, 12)}
    shown = shown_values(page)
    assert shown.keys() == wanted.keys()
    assert f"{wanted['field_strength'].value:.1f} ± " in page.one("#values").text
    assert len(page.all("#profiles canvas")) == 8
    assert browser.current_url.endswith("#x=8&y=12")
    browser.execute_script("document.querySelector('#maps').scrollIntoView()")
    page.screenshot("maps")
    browser.execute_script("document.querySelector('#pixel-title').scrollIntoView()")
    page.screenshot("profiles")

    # the keyboard: three to the right, one up
    strength.send_keys(Keys.ARROW_LEFT * 3, Keys.ARROW_UP)
    assert page.one("#pixel-status").text == "Cursor at 5, 13"
    strength.send_keys(Keys.ENTER)
    page.wait_until(lambda: "Scan position 5, pixel 13" in page.one("#pixel-status").text)
    value = next(v.value for v in opened.values(5, 13) if v.name == "field_strength")
    assert f"{value:.0f}" in page.one("#pixel-status").text
    strength.send_keys(Keys.SHIFT, Keys.ARROW_RIGHT)
    assert page.one("#pixel-status").text == "Cursor at 15, 13"

    # the table alternative has the numbers of the file
    page.one("#profile-table summary").click()
    page.wait_until(lambda: len(page.all("#profile-table tbody tr")) == 96)
    first = [cell.text for cell in page.all("#profile-table tbody tr:first-child td")]
    profiles = opened.profiles(5, 13)
    both = np.concatenate([profiles.observed[:, 0], profiles.fitted[:, 0]])
    assert [float(text) for text in first[1:]] == pytest.approx(both.tolist(), rel=1e-4)

    # a pixel that is not inverted yet, by its numbers
    for name, number in (("x", 14), ("y", 3)):
        field = page.one(f"#pixel-form [name={name}]")
        field.clear()
        field.send_keys(str(number))
    page.one("#pixel-form button").click()
    page.wait_until(lambda: "not inverted yet" in page.one("#pixel-status").text)
    assert len(page.all("#profiles canvas")) == 4
    assert page.complaints() == []


def test_the_pages_have_room_on_a_phone(service, browser, page):
    address, _ = service
    page.width(PHONE)
    browser.get(f"{address}/{ADDRESS}#x=8&y=12")
    page.wait_until(lambda: len(page.all("#profiles canvas")) == 8)
    page.one("#profile-table summary").click()
    assert not page.scrolls_sideways()
    assert page.all("svg.map")[0].size["width"] > 0.8 * PHONE
    page.screenshot("map_on_a_phone")
    assert page.complaints() == []


# ----------------------------------------------------------------- JSON and images


def test_the_json_of_a_pixel_has_the_values_of_the_file(service):
    address, one = service
    answer = requests.get(f"{address}/api/{ADDRESS}/pixel", {"x": 3, "y": 4}, timeout=60)
    pixel = answer.json()
    inverted, _ = read_so_far(one.inverted)
    values = {value["name"]: value for value in pixel["values"]}
    assert values["velocity"]["value"] == inverted.parameters["velocity"][3, 4]
    assert values["velocity"]["uncertainty"] == inverted.uncertainties["velocity"][3, 4]
    assert values["velocity"]["unit"] == "km/s"
    with PreparedMap.read(one.prepared).profiles() as stokes:
        for number, name in enumerate("IQUV"):
            assert pixel["observed"][name] == stokes[3, 4, number].tolist()
    assert pixel["status"] == "converged"
    x, y = WITHOUT_PROFILES
    failed = requests.get(f"{address}/api/{ADDRESS}/pixel", {"x": x, "y": y}, timeout=60).json()
    assert failed["status"] == "failed: no usable profiles"
    assert failed["fitted"] is None
    assert set(failed["observed"]["I"]) == {None}


@pytest.mark.parametrize(
    ("query", "status"),
    [("x=16&y=0", 404), ("x=0&y=24", 404), ("x=a&y=0", 400), ("x=-1&y=0", 400), ("y=1", 400)],
)
def test_a_pixel_that_there_is_not_is_refused(service, query, status):
    answer = requests.get(f"{service[0]}/api/{ADDRESS}/pixel?{query}", timeout=60)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}


def test_images_have_a_pixel_for_each_of_the_map(service):
    address, _ = service
    answer = requests.get(f"{address}/{ADDRESS}/images/field_strength.png", timeout=60)
    assert answer.headers["Content-Type"] == "image/png"
    image = imread(BytesIO(answer.content))
    assert image.shape == (SHAPE[1], SHAPE[0], 4)
    assert (image[:, 11:, 3] == 0).all()  # not inverted: transparent
    assert (image[:, :11, 3] == 1).all()
    whole = requests.get(f"{address}/{ADDRESS}/picture.png", timeout=60)
    assert whole.content.startswith(b"\x89PNG")
    for path in (f"{ADDRESS}/images/nonsense.png", f"programs/{OP}/maps/other"):
        assert requests.get(f"{address}/{path}", timeout=60).status_code == 404
    listed = requests.get(f"{address}/api/programs/{OP}/maps", timeout=60).json()
    assert [one["map"] for one in listed] == [MAP]


def test_what_was_inverted_meanwhile_is_shown(service):
    address, one = service
    facts = requests.get(f"{address}/api/{ADDRESS}", timeout=60).json()
    assert facts["counts"]["not inverted yet"] == 5 * 24
    before = one.inverted.read_bytes()
    make_sunspot(one.inverted.parent / "again", n_inverted=13, inverted=one.inverted)
    facts = requests.get(f"{address}/api/{ADDRESS}", timeout=60).json()
    assert facts["counts"]["not inverted yet"] == 3 * 24
    one.inverted.write_bytes(before)


def test_a_product_of_the_science_team_is_shown_until_its_files_have_gone(example, store, tmp_path):
    location = str(tmp_path / "ledger.sqlite")
    store.datasets = [example.row(), calcium()]
    product = Path(shutil.copytree(example.product, tmp_path / "handed_in"))
    with served(location, store, tmp_path) as (address, _), Ledger.open(location) as ledger:
        wait_until(lambda: len(Catalogue(ledger).qualifications()) == 1)
        with ledger.job("test") as job:
            ready = ReadyEvent(program=OP, files=[product], commit="abc")
            made = hand_in(Catalogue(ledger), job, ready)
        where = f"{address}/programs/{OP}/maps/{made.inversion_id}"
        page = requests.get(where, timeout=60)
        assert page.status_code == 200
        assert "Level 2 product" in page.text
        assert "Field strength [T]" in page.text
        shutil.rmtree(product)
        gone = requests.get(where, timeout=60)
        assert gone.status_code == 410
        message = f"The files of {made.inversion_id} are not here any more"
        assert message in gone.text
        assert message in requests.get(f"{address}/programs/{OP}", timeout=60).text
        answer = requests.get(f"{address}/api/programs/{OP}/maps/{made.inversion_id}", timeout=60)
        assert answer.json()["error"].startswith(message)
