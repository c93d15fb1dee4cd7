"""The pages of the service in a real browser: what a person of the science team does with them.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

import os
from pathlib import Path

import pytest

from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from tests.level2.example_rows import OP, calcium, context, row
from tests.level2.service.test_service import SECRET, served, wait_until


def screenshot(browser, name):
    directory = os.environ.get("CVZMPI_SCREENSHOTS")
    if directory:
        browser.save_screenshot(str(Path(directory) / f"{name}.png"))


@pytest.fixture
def page(browser, browser_until):
    """Find one element, or the texts of all elements."""
    from selenium.webdriver.common.by import By

    class Page:
        wait_until = staticmethod(browser_until)

        def one(self, selector):
            return browser.find_element(By.CSS_SELECTOR, selector)

        def texts(self, selector):
            return [element.text for element in browser.find_elements(By.CSS_SELECTOR, selector)]

    return Page()


def test_a_person_lists_filters_reserves_and_reads_the_history(store, tmp_path, browser, page):
    location = str(tmp_path / "ledger.sqlite")
    other = {"observingProgramExecutionId": "other", "primaryProposalId": "pid_2_2"}
    store.datasets = [row(), calcium(), context(), row("DARK", aoLocked=749, **other)]
    with served(location, store, tmp_path) as (address, _), Ledger.open(location) as ledger:
        wait_until(lambda: len(Catalogue(ledger).qualifications()) == 2)

        browser.get(address)
        assert sorted(page.texts("#programs td:first-child")) == [OP, "other"]
        assert sorted(page.texts("#programs .state")) == ["Invertible", "Not Invertible"]
        assert "ao_locked" in page.one("#programs").text
        page.wait_until(lambda: browser.refresh() or len(page.texts("#steps tr")) == 4)
        screenshot(browser, "list")

        page.one("#filter [name=proposal]").send_keys("pid_2_2")
        page.one("#filter button").click()
        page.wait_until(lambda: page.texts("#programs td:first-child") == ["other"])
        assert page.one("#count").text == "1 program"
        page.one("#programs a").click()
        page.wait_until(lambda: page.one("#state").text == "Not Invertible")
        assert (
            "AO locked in 749 of 1000 frames, 74.9 %, fewer than 75 %" in page.one("#criteria").text
        )
        screenshot(browser, "not_invertible")

        browser.get(f"{address}/programs/{OP}")
        assert page.one("#state").text == "Invertible"
        assert "Reserve" not in page.texts("button")
        page.one("#sign-in [name=name]").send_keys("Jane Doe")
        page.one("#sign-in [name=token]").send_keys(SECRET)
        page.one("#sign-in button").click()
        page.wait_until(lambda: "Sign out" in page.texts("button"))

        browser.get(f"{address}/programs/{OP}")
        page.one("#reserve").click()
        page.wait_until(lambda: page.texts("#reserved-by") == ["Jane Doe"])
        assert page.texts("#history td:nth-child(2)") == ["discovered", "qualified", "qualified"]
        assert page.texts("#history td:nth-child(4)")[-1] == "reserved by Jane Doe"
        assert page.texts("#datasets td:first-child") == ["BLKGA", "CALCI", "IMAGE"]
        screenshot(browser, "reserved")
        browser.execute_script("document.querySelector('#history').scrollIntoView()")
        screenshot(browser, "history")
        assert Catalogue(ledger).reservations() == {OP: "Jane Doe"}

        page.one("#release").click()
        page.wait_until(
            lambda: page.texts("#reserved-by") == [] and page.texts("#reserve") == ["Reserve"]
        )
        assert page.texts("#history td:nth-child(4)")[-1] == "released by Jane Doe"
        assert Catalogue(ledger).reservations() == {}
        messages = [entry["message"] for entry in browser.get_log("browser")]
        assert [m for m in messages if "favicon" not in m] == []
