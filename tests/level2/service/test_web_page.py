"""The pages of the service in a real browser: what a person of the science team does with them.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

import json
import time

import pytest

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from tests.level2.example_rows import OP, calcium, context, real_rows, row
from tests.level2.service.served import SECRET, served
from tests.web_page import DESKTOP, PHONE
from tools.harness.job_process import wait_until

ID = "inv.ABCDEF"


@pytest.fixture
def check(web_page):
    """A picture of the page, and no fault of it in either theme, on a desktop or a phone."""
    page = web_page

    def check(name):
        for theme in ("dark", "light"):
            page.prefer(theme)
            for size in (PHONE, DESKTOP):
                page.size(size)
                assert page.faults() == [], (name, theme, size)
                assert not page.scrolls_sideways(), (name, theme, size)
        page.screenshot(f"level2_{name}")
        page.size(DESKTOP)

    return check


def sign_in(page):
    page.one("#sign-in [name=name]").send_keys("Jane Doe")
    page.one("#sign-in [name=token]").send_keys(SECRET)
    page.one("#sign-in button").click()
    page.until(lambda: "Sign out" in page.texts("button"))


def test_a_person_lists_filters_reserves_and_reads_the_history(store, tmp_path, web_page, check):
    page = web_page
    location = str(tmp_path / "ledger.sqlite")
    other = {"observingProgramExecutionId": "other", "primaryProposalId": "pid_2_2"}
    store.datasets = [row(), calcium(), context(), row("DARK", aoLocked=749, **other)]
    with served(location, store, tmp_path) as (address, _), Ledger.open(location) as ledger:
        wait_until(lambda: len(Catalogue(ledger).qualifications()) == 2)

        page.open(address)
        assert sorted(page.texts("#programs td:first-child")) == [OP, "other"]
        assert sorted(page.texts("#programs .state")) == ["Invertible", "Not Invertible"]
        assert "ao_locked" in page.one("#programs").text
        page.until(lambda: page.browser.refresh() or len(page.texts("#steps tr")) == 4)
        check("list")

        page.one("#filter [name=proposal]").send_keys("pid_2_2")
        page.one("#filter button").click()
        page.until(lambda: page.texts("#programs td:first-child") == ["other"])
        assert page.one("#count").text == "1 program"
        page.one("#programs a").click()
        page.until(lambda: page.one("#state").text == "Not Invertible")
        assert (
            "AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %" in page.one("#criteria").text
        )
        check("not_invertible")

        page.open(f"{address}/programs/{OP}")
        assert page.one("#state").text == "Invertible"
        assert "Reserve" not in page.texts("button")
        sign_in(page)

        page.open(f"{address}/programs/{OP}")
        page.one("#reserve").click()
        page.until(lambda: page.texts("#reserved-by") == ["Jane Doe"])
        assert page.texts("#history td:nth-child(2)") == ["discovered", "qualified", "qualified"]
        assert page.texts("#history td:nth-child(4)")[-1] == "reserved by Jane Doe"
        assert page.texts("#datasets td:first-child") == ["BLKGA", "CALCI", "IMAGE"]
        check("reserved")
        assert Catalogue(ledger).reservations() == {OP: "Jane Doe"}

        page.one("#release").click()
        page.until(
            lambda: page.texts("#reserved-by") == [] and page.texts("#reserve") == ["Reserve"]
        )
        assert page.texts("#history td:nth-child(4)")[-1] == "released by Jane Doe"
        assert Catalogue(ledger).reservations() == {}
        page.open("about:blank")  # before the server goes


def test_a_person_reads_about_inversions_writes_a_note_and_withdraws_one(
    store, tmp_path, web_page, check
):
    page = web_page
    location = str(tmp_path / "ledger.sqlite")
    store.datasets = [
        row(createDate="2023-01-01T00:00:00", productId="L1-ABCDE"),
        row("NEWER", createDate="2023-02-01T00:00:00", productId="L1-ABCDE"),
        calcium(isEmbargoed=True, embargoEndDate="2126-05-01T00:00:00"),
        row("OTHER", observingProgramExecutionId="other"),
    ]
    store.experiments = [
        {"experimentId": "eid_1_118", "experimentDescription": "Sunspots at the limb. " * 40}
    ]
    with served(location, store, tmp_path) as (address, _), Ledger.open(location) as ledger:
        catalogue = Catalogue(ledger)
        wait_until(lambda: len(catalogue.qualifications()) == 2)
        detail = {"kind": "desire", "files": [], "commit": "0123456789abcdef", "by": "Joe"}
        detail |= {"dataset_ids": ["BLKGA", "CALCI"], "lines": ["FeI630", "CaII854"]}
        with ledger.job("test") as job, ledger.writing() as connection:
            add_inversion(connection, Inversion(ID, OP, "science team", detail, now()))
            event = Event(OP, State.DONE, detail={"inversion_id": ID})
            ledger.record([event], job, within=connection)

        page.open(address)
        sign_in(page)
        assert page.texts("#programs h3") == ["Experiment eid_1_118"]
        check("proposals")
        page.open(f"{address}/inversions")
        assert page.texts("#inversions td:nth-child(2)") == ["To publish"]
        check("inversions")
        page.one("#inversions a").click()
        page.until(lambda: page.one("#embargo").text == "Under embargo until 2126-05-01.")
        assert "waits: under embargo until 2126-05-01" in page.one(".transfer").text
        assert "superseded by NEWER" in page.one("#datasets").text
        assert "Made of superseded datasets: BLKGA." in page.one(".inversion").text

        page.run("arguments[0].scrollIntoView()", page.one("#fried_parameter"))
        page.until(lambda: page.all("#fried_parameter canvas"))
        page.one(".inversion summary").click()
        check("inversion")
        page.one(".inversion textarea").send_keys("Ca II alone is good.")
        page.one(f"[id='note-{ID}']").click()
        page.until(lambda: "Ca II alone is good." in " ".join(page.texts(".remark-text")))
        page.one(".inversion summary").click()
        page.all(".inversion textarea")[1].send_keys("wrong darks")
        page.one(f"[id='withdraw-{ID}']").click()
        page.until(lambda: "wrong darks" in page.one("p.withdrawn").text)
        assert page.texts(".inversion .state") == ["Withdrawn"]
        assert catalogue.withdrawal(ID).withdrawn_by == "Jane Doe"
        check("withdrawn")

        for name in ("qualities", "states", "reservations", "datasets/BLKGA"):
            page.open(f"{address}/{name}")
            page.until(lambda: page.one("h1"))
            if name == "qualities":
                page.until(lambda: page.all("#light_level canvas"))
            check(name.replace("/", "_"))
        page.open("about:blank")  # before the server goes


@pytest.mark.shared_data
def test_the_real_programs_are_one_readable_page(store, tmp_path, web_page, check, shared_data):
    page = web_page
    rows = {r["datasetId"]: r for year in (2023, 2025) for r in real_rows(shared_data, year)}
    store.datasets = list(rows.values())
    described = json.loads((shared_data / "level2" / "experiment_descriptions.json").read_text())
    store.experiments = described["data"]["experimentDescriptions"]
    location = str(tmp_path / "ledger.sqlite")
    with served(location, store, tmp_path) as (address, _), Ledger.open(location) as ledger:
        wait_until(lambda: len(Catalogue(ledger).qualifications()) > 100)
        begun = time.monotonic()
        page.open(address)
        print(f"first view of the real programs after {time.monotonic() - begun:.2f} s")
        assert page.run("return document.documentElement.outerHTML.length") < 300_000
        assert len(page.all("details.proposal")) == len(page.texts("summary h2")) > 30
        assert page.run("return document.documentElement.scrollHeight") < 5000  # groups are closed
        check("real_programs")
        page.one("details.proposal summary").click()
        assert page.one("details.proposal table").is_displayed()
        page.open("about:blank")  # before the server goes
