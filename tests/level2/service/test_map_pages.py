"""The pages of maps in a real browser, and their JSON: each map, and the profiles of its pixels."""

import shutil
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import pytest
import requests
from matplotlib.image import imread
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.level2.handing_in.hand_in import hand_in
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.inversion.inversion_file import read_so_far
from cvzmpi.level2.inversion.inversion_unit import record_of
from cvzmpi.level2.inversion.recorded_maps import last_maps
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.pictures.open_map import open_map
from cvzmpi.level2.pictures.page_pictures import page_pictures
from cvzmpi.level2.pictures.pixel_picture import value_in_words
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.service.program_maps import ProgramMap
from tests.level2.example_rows import OP, calcium, row
from tests.level2.service.served import served
from tests.level2.stand_in_store import StandInStore, serving
from tests.level2.sunspot import SHAPE, WITHOUT_PROFILES, make_sunspot
from tests.web_page import PHONE
from tools.harness.job_process import wait_until

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


@pytest.fixture(scope="module")
def opened(service):
    return open_map(service[1].inverted, service[1].prepared)


def click_on(page, image, x, y):
    """Click on the middle of a pixel; 0, 0 is at the lower left."""
    width, height = image.size["width"], image.size["height"]
    by = (((x + 0.5) / SHAPE[0] - 0.5) * width, (0.5 - (y + 0.5) / SHAPE[1]) * height)
    ActionChains(page.browser).move_to_element_with_offset(image, *by).click().perform()


def until_shown(page, x, y):
    page.until(lambda: f"Scan position {x}, pixel {y}" in page.one("#pixel-status").text)


def drawn(page, chart):
    """The values of a chart, by series."""
    script = (
        "const chart = cvzmpi.charts[arguments[0]]; return chart.show().then(() =>"
        "Object.fromEntries(chart.series.map(one => [one.name, [...one.y]])))"
    )
    return page.run(script, chart)


def test_a_program_has_thumbnails_of_its_maps_which_lead_to_them(service, web_page):
    address, _ = service
    web_page.open(f"{address}/programs/{OP}")
    thumbnails = web_page.all("#maps-of-program img")
    assert len(thumbnails) == 5
    for thumbnail in thumbnails:
        web_page.run("arguments[0].scrollIntoView()", thumbnail)
    # a square on the sky, of 16 x 24 pixels
    sizes = [[180, 180]] * 5
    script = (
        "return [...document.querySelectorAll('#maps-of-program img')]"
        ".map(one => [one.naturalWidth, one.naturalHeight])"
    )
    web_page.until(lambda: web_page.run(script) == sizes)
    assert web_page.faults() == []
    web_page.screenshot("level2_program")
    web_page.one("#maps-of-program a.thumbnails").click()
    web_page.until(lambda: web_page.one("h1").text == f"Map {MAP}")


def test_a_map_says_its_scale_its_units_and_how_far_it_is(service, web_page):
    web_page.open(f"{service[0]}/{ADDRESS}")
    assert "14.4 x 14.4 arcsec, 10.4 x 10.4 Mm" in web_page.one("#size").text
    assert "264 of 384 pixels inverted so far, 69%." in web_page.texts("p.warning")
    assert web_page.texts("#maps figcaption strong") == [
        "Continuum intensity [quiet Sun]",
        "Field strength [G]",
        "Inclination to the line of sight [deg]",
        "Azimuth [deg]",
        "Line-of-sight velocity [km/s]",
        "Chi squared / degrees of freedom",
        "Uncertainty of the field strength [G]",
        "Significance of the field [sigma]",
        "Longitudinal field (WFA) [G]",
        "Transverse field (WFA) [G]",
        "Quality",
    ]
    legend = web_page.texts("#maps .legend li")
    assert "no light: 1" in legend
    assert any(text.startswith("nothing noted: ") for text in legend)
    assert len(web_page.all("#maps .scale")) == 10
    web_page.screenshot("level2_maps")


def test_a_click_on_a_pixel_shows_its_profiles_with_the_fit(service, opened, web_page):
    web_page.open(f"{service[0]}/{ADDRESS}")
    click_on(web_page, web_page.all("svg.map")[1], 8, 12)
    until_shown(web_page, 8, 12)
    profiles = opened.profiles(8, 12)
    for number, stokes in enumerate("IQUV"):
        values = drawn(web_page, f"stokes-{stokes}")
        assert values["observed"] == profiles.observed[number].tolist()
        assert values["fit"] == profiles.fitted[number].tolist()
        residual = profiles.observed[number] - profiles.fitted[number]
        left = drawn(web_page, f"residual-{stokes}")["observed - fit"]
        assert left == pytest.approx(residual.tolist(), abs=1e-12)
    wanted = [[value.title, value_in_words(value)] for value in opened.values(8, 12)]
    rows = web_page.all("#values tbody tr")
    assert [
        [cell.text for cell in row.find_elements("css selector", "td")] for row in rows
    ] == wanted
    assert web_page.faults() == []
    web_page.screenshot("level2_map")


def test_the_keyboard_alone_reaches_a_pixel(service, opened, web_page):
    web_page.open(f"{service[0]}/{ADDRESS}")
    web_page.tab_to("svg.map")
    web_page.press(*[Keys.ARROW_LEFT] * 4, Keys.ARROW_UP)  # from the middle, 7, 11
    assert web_page.one("#pixel-status").text == "Cursor at 3, 12"
    web_page.press(Keys.ENTER)
    until_shown(web_page, 3, 12)
    (strength,) = (v for v in opened.values(3, 12) if v.name == "field_strength")
    assert value_in_words(strength) in web_page.one("#pixel-status").text
    web_page.press(Keys.SHIFT + Keys.ARROW_RIGHT)
    assert web_page.one("#pixel-status").text == "Cursor at 13, 12"
    web_page.press(Keys.SHIFT + Keys.ARROW_DOWN, Keys.SHIFT + Keys.ARROW_DOWN)
    assert web_page.one("#pixel-status").text == "Cursor at 13, 0"


def test_a_pixel_that_is_not_inverted_yet_is_shown_as_observed(service, opened, web_page):
    web_page.open(f"{service[0]}/{ADDRESS}")
    for name, number in (("x", 14), ("y", 3)):
        field = web_page.one(f"#pixel-form [name={name}]")
        field.clear()
        field.send_keys(str(number))
    web_page.one("#pixel-form button").click()
    until_shown(web_page, 14, 3)
    assert "not inverted yet" in web_page.one("#pixel-status").text
    assert len(web_page.all("#profiles .chart")) == 4
    assert drawn(web_page, "stokes-V") == {"observed": opened.profiles(14, 3).observed[3].tolist()}


def test_an_address_leads_to_a_pixel_and_the_pages_have_room_on_a_phone(service, web_page):
    web_page.size(PHONE)
    web_page.prefer("dark")
    web_page.open(f"{service[0]}/{ADDRESS}#x=8&y=12")
    until_shown(web_page, 8, 12)
    for stokes in "IQUV":
        drawn(web_page, f"stokes-{stokes}")
    assert not web_page.scrolls_sideways()
    assert web_page.all("svg.map")[0].size["width"] > 0.8 * PHONE[0]
    assert web_page.faults() == []
    web_page.screenshot("level2_map_on_a_phone")


# ----------------------------------------------------------------- JSON and images


def test_whatever_file_a_map_is_in_has_the_quantities_of_its_thumbnails(example, tmp_path):
    spot = make_sunspot(tmp_path, n_inverted=0)
    files = {
        (spot.inverted, spot.prepared): 5,
        (tmp_path / "not_begun.inverted.h5", spot.prepared): 3,
        (example.product, tmp_path / "gone.prepared.h5"): 4,
    }
    for (file, prepared), n in files.items():
        one = ProgramMap("MAP", "", (file, prepared), prepared)
        made = page_pictures(one.file, one.prepared_file)["thumbnails"]
        assert len(one.thumbnails) == n
        assert set(one.thumbnails) <= made.keys()


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
