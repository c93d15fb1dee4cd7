"""The pages of the service in a real browser: what a person of the science team does with them.

With CVZMPI_SCREENSHOTS=DIRECTORY, pictures of the pages are left there.
"""

from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from tests.level2.example_rows import OP, calcium, context, row
from tests.level2.service.served import SECRET, served
from tests.web_page import DESKTOP, PHONE
from tools.harness.job_process import wait_until


def test_a_person_lists_filters_reserves_and_reads_the_history(store, tmp_path, web_page):
    page = web_page

    def check(name):
        """A picture, and no fault on a desktop or a phone."""
        for size in (PHONE, DESKTOP):
            page.size(size)
            assert page.faults() == [], (name, size)
            assert not page.scrolls_sideways(), (name, size)
        page.screenshot(f"level2_{name}")
        page.size(DESKTOP)

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
        page.one("#sign-in [name=name]").send_keys("Jane Doe")
        page.one("#sign-in [name=token]").send_keys(SECRET)
        page.one("#sign-in button").click()
        page.until(lambda: "Sign out" in page.texts("button"))

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
