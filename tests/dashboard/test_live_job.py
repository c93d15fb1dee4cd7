"""The dashboard beside jobs that run, are killed, and go on: in a process and in a browser."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.dashboard.served import SECRET, served
from tests.web_page import PHONE
from tools.harness.job_process import descendants, environment, kill, run, start, wait_until

_SETTINGS = (
    "[inject]\nn_inject = 500\nn_repeat = 3\n[checkpoint]\ninterval = 0.3\n[ledger]\nlease = 10.0\n"
)


@pytest.fixture
def campaign(tmp_path):
    """Eight light curves; the file of one is truncated. Its directory, and the whole file."""
    files = simulate_campaign(tmp_path / "input", 8, 7, n_cadences=2000, active=True)
    (tmp_path / "cvzmpi.toml").write_text(_SETTINGS)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: 2 * len(whole) // 3])
    return tmp_path, files[0], whole


def status_of(directory):
    """What `cvzmpi status --json` says; None while there is no ledger yet."""
    command = [sys.executable, "-m", "cvzmpi", "status", "--json"]
    told = subprocess.run(
        command, cwd=directory, env=environment(), capture_output=True, text=True, check=False
    )
    return json.loads(told.stdout) if told.returncode == 0 else None


def begun(directory, n_done):
    """Whether so many light curves are done, and others are at work."""
    status = status_of(directory)
    return status and status["units"]["done"] >= n_done and status["units"]["working"]


def stop_and_go_on(process, number):
    """Send a signal to all ranks of a job."""
    for pid in descendants(process.pid):
        os.kill(pid, number)


def metrics(address):
    text = requests.get(f"{address}/metrics", timeout=60).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def life(address):
    """What the overview says of each job, by number and program."""
    parts = requests.get(f"{address}/api/parts/overview", timeout=60).json()["parts"]
    return {row[0]["text"]: row[1]["text"] for row in parts["jobs"]}


_MOVING = {"at", "silent_seconds", "done_within_seconds", "done_per_hour", "seconds_left"}


def same_figures(told, expected):
    """Whether two states are the same, but for what moves with the clock alone."""
    if isinstance(told, dict):
        assert told.keys() == expected.keys()
        return all(same_figures(told[name], expected[name]) for name in told.keys() - _MOVING)
    if isinstance(told, list):
        assert len(told) == len(expected)
        return all(map(same_figures, told, expected))
    return told == expected


def test_beside_a_job_that_runs_the_figures_are_those_of_status_and_a_killed_job_is_dead(
    campaign, web_page
):
    directory, *_ = campaign
    job = start(["run"], ranks=3, cwd=directory)
    try:
        wait_until(lambda: begun(directory, 1), interval=0.2)
        with served(directory) as address:
            assert life(address) == {"1 run": "lives"}
            stop_and_go_on(job, signal.SIGSTOP)  # so that both look at the same moment
            expected = status_of(directory)
            told = requests.get(f"{address}/api/status", timeout=60).json()
            assert same_figures(told, expected)
            assert told["jobs"][0]["silent_seconds"] > 0
            for name in ("seconds_left", "done_per_hour"):
                assert (told[name] is None) == (expected[name] is None)
            wait_until(lambda: metrics(address)["cvzmpi_done_total",] == told["units"]["done"])
            counted = metrics(address)
            for state, n in told["units"].items():
                assert counted["cvzmpi_units", state] == n
            assert counted["cvzmpi_ranks",] == told["jobs"][0]["ranks"] == 3
            assert counted["cvzmpi_jobs", "lives"] == 1
            web_page.open(f"{address}/overview")
            web_page.until(lambda: web_page.all("#throughput canvas"))
            states = dict(
                zip(*[iter(web_page.texts("#states td:nth-child(-n+2)"))] * 2, strict=True)
            )
            assert states == {name: f"{n}" for name, n in told["units"].items() if n}
            web_page.screenshot("dashboard")
            stop_and_go_on(job, signal.SIGCONT)
            kill(job)
            # the page says it by itself
            web_page.until(lambda: web_page.texts("#jobs td:nth-child(2)") == ["dead"])
            web_page.open("about:blank")
            wait_until(lambda: life(address) == {"1 run": "dead"})
            assert metrics(address)["cvzmpi_jobs", "dead"] == 1
            _move_elsewhere(directory / "output" / "ledger.sqlite")

            def silence():
                (job,) = requests.get(f"{address}/api/status", timeout=60).json()["jobs"]
                return job["silent_seconds"]

            wait_until(lambda: silence() > 11)  # of a job elsewhere, and of one second that is kept
            assert life(address) == {"1 run": "dead"}
    finally:
        if job.poll() is None:
            kill(job)


def _move_elsewhere(ledger):
    """Have the job's process be one of another machine, of which nobody here knows."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("UPDATE jobs SET process = 'another-boot/1 12:34'")


def test_a_unit_that_failed_is_retried_from_the_page_and_done(campaign, web_page):
    directory, file, whole = campaign
    ended = run(["run"], ranks=3, cwd=directory)
    assert ended.status == 1
    file.write_bytes(whole)
    (unit,) = status_of(directory)["failures"][0]["examples"]
    with served(directory) as address:
        web_page.open(f"{address}/failures")
        assert web_page.texts("[data-part=n-failed]") == ["1 failed light curve"]
        assert web_page.all("#failures button") == []
        web_page.tab_to("#sign-in [name=name]")
        web_page.press("Jane Doe", "\t", SECRET, "\n")
        web_page.until(lambda: web_page.texts("#failures button"))
        web_page.tab_to("#failures button")
        web_page.press("\n")
        web_page.until(lambda: web_page.texts(".message"))
        assert web_page.texts(".message") == ["1 of 1 failed unit will be tried again"]
        # the list is drawn after the message
        web_page.until(lambda: web_page.texts("[data-nothing=failures]") == ["Nothing has failed."])

        web_page.open(f"{address}/unit?name={unit}")
        assert web_page.texts("[data-part=state]") == ["preprocessed"]
        job = start(["run"], ranks=3, cwd=directory)
        # the page brings itself up to date
        web_page.until(lambda: web_page.texts("[data-part=state]") == ["done"])
        events = web_page.texts("#events tbody tr")
        assert "to be tried again, says Jane Doe" in events[-3]
        assert "n_flares" in events[-1]
        job.communicate()
        assert job.returncode == 0
        assert status_of(directory)["units"]["error"] == 0
        web_page.open("about:blank")  # before the server goes


def test_pages_are_for_everyone(campaign, web_page):
    """With a keyboard, on a phone, in the dark; axe-core finds nothing."""
    directory, *_ = campaign
    run(["run"], ranks=3, cwd=directory)
    (unit,) = status_of(directory)["failures"][0]["examples"]
    with served(directory) as address:
        for size in (None, PHONE):
            if size:
                web_page.size(size)
            for page in (
                *("overview", "results", "failures", "units", "units?state=done"),
                *("disk", f"unit?name={unit}", "unit?name=none"),
            ):
                web_page.open(f"{address}/{page}")
                assert web_page.faults() == [], page
                assert not web_page.scrolls_sideways(), page
                if page == "unit?name=none":
                    web_page.console_errors()  # the browser counts a 404 as one
        web_page.prefer("dark")
        web_page.open(f"{address}/overview")
        web_page.until(lambda: web_page.all("#throughput canvas"))
        assert web_page.faults() == []
        web_page.screenshot("dashboard_phone_dark")
        web_page.tab_to("#results tbody a")
        web_page.press("\n")
        web_page.until(lambda: web_page.texts("#events tbody tr"))
        web_page.tab_to(".page-header nav li:nth-child(3) a")
        web_page.press("\n")
        web_page.until(lambda: web_page.texts("#failures tbody tr"))
        web_page.open("about:blank")


def test_a_page_says_when_the_ledger_is_away_and_recovers(campaign, web_page):
    directory, *_ = campaign
    run(["run"], ranks=3, cwd=directory)
    ledger, away = directory / "output" / "ledger.sqlite", directory / "away"
    with served(directory) as address:
        web_page.open(f"{address}/overview")
        web_page.until(lambda: web_page.all("#throughput canvas"))
        ledger.rename(away)
        web_page.until(lambda: "there is no ledger" in web_page.one("#away").text)
        assert "This is from" in web_page.one("#away").text
        assert web_page.texts("[data-part=total]") == ["8 light curves"]
        web_page.open(f"{address}/disk")
        assert web_page.texts("h1") == ["The ledger cannot be read"]
        away.rename(ledger)
        web_page.until(lambda: web_page.texts("h1") == ["Inputs and disk"])
        web_page.until(lambda: web_page.one("#updated").text and not web_page.one("#away").text)
        web_page.open("about:blank")
        assert all("503" in message for message in web_page.console_errors())
