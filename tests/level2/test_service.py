"""The service: its JSON, its pages, who may change something, and the rounds of all steps."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import requests
from example_rows import OP, calcium, row
from main_job import environment
from stand_in_store import TOKEN
from test_science_team import make_invertible

from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Event, State
from cvzmpi.level2.campaign import Level2Campaign
from cvzmpi.level2.configuration import SERVE_TOKEN, STORE_AUTHORIZATION, Level2Config
from cvzmpi.level2.dataset import read_datasets
from cvzmpi.level2.scan import synchronise
from cvzmpi.level2.service.access import Access
from cvzmpi.level2.service.app import create_app
from cvzmpi.level2.service.rounds import Rounds

SECRET = "a token that is long enough"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def location(tmp_path):
    """SQLite alone: what differs between databases is tested with the steps."""
    return str(tmp_path / "ledger.sqlite")


@pytest.fixture
def campaign(ledger, store, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_AUTHORIZATION, TOKEN)
    config = Level2Config.model_validate(
        {
            "store": {"url": store.url, "retries": 0},
            "inbox": {"directory": tmp_path / "inbox"},
            "publish": {"destination": tmp_path / "b", "staging": tmp_path / "s"},
        }
    )
    return Level2Campaign(config, ledger)


@pytest.fixture
def rounds(campaign, job):
    return Rounds(campaign, job, interval=3600)


@pytest.fixture
def app(campaign, job, rounds):
    return create_app(campaign, job, rounds, Access(SECRET))


@pytest.fixture
def web(app):
    """A client of the application."""
    return app.test_client()


@pytest.fixture
def programs(catalogue, job):
    """Three invertible programs."""
    make_invertible(catalogue, job, OP, "second", "third")


def names(reply):
    return [item["name"] for item in reply.get_json()]


def sign_in(web, name="Jane", token=SECRET):
    return web.post("/sign-in", data={"name": name, "token": token})


def press(web, action, program=OP, **data):
    """Press a button of a program's page, if it has it."""
    page = web.get(f"/programs/{program}").text
    key = re.search(rf'/{action}">\s*<input type="hidden" name="form_key" value="(\w+)"', page)
    assert key, f"the page has no button {action}"
    return web.post(f"/programs/{program}/{action}", data={"form_key": key[1], **data})


# ----------------------------------------------------------------- JSON


@pytest.mark.usefixtures("programs")
def test_programs_are_listed_and_filtered(web):
    assert sorted(names(web.get("/api/programs"))) == sorted([OP, "second", "third"])
    assert names(web.get("/api/programs?text=SECO")) == ["second"]
    assert names(web.get("/api/programs?state=published")) == []
    assert len(names(web.get("/api/programs?state=Invertible&proposal=pid_1_118"))) == 3
    assert names(web.get("/api/programs?by=Jane")) == []


@pytest.mark.usefixtures("programs")
def test_a_program_is_told_with_everything(web):
    program = web.get(f"/api/programs/{OP}").get_json()
    assert (program["name"], program["state"]) == (OP, "Invertible")
    assert len(program["criteria"]) == 11
    assert [dataset["version"] for dataset in program["datasets"]] == [1, 1]
    assert [event["to"] for event in program["history"]] == ["discovered", "qualified"]


def test_a_program_that_is_none_is_404(web):
    reply = web.get("/api/programs/nothing")
    assert (reply.status_code, reply.get_json()) == (
        404,
        {"error": "nothing: no such Observing Program"},
    )
    assert web.get("/programs/nothing").status_code == 404
    assert web.get("/nowhere").status_code == 404


@pytest.mark.usefixtures("programs")
def test_a_program_is_claimed_and_released_with_the_token(web, catalogue):
    claim = f"/api/programs/{OP}/claim"
    assert web.post(claim, json={"by": "Jane"}, headers=BEARER).get_json() == {
        "program": OP,
        "done": "claim",
    }
    assert catalogue.claimants() == {OP: "Jane"}
    reply = web.post(claim, json={"by": "Joe"}, headers=BEARER)
    assert (reply.status_code, reply.get_json()) == (409, {"error": f"{OP}: Jane has it"})
    assert names(web.get("/api/programs?by=jane")) == [OP]
    reply = web.post(f"/api/programs/{OP}/release", json={"by": "Jane"}, headers=BEARER)
    assert reply.status_code == 200
    assert catalogue.claimants() == {}


# ----------------------------------------------------------------- access


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 403), ({"Authorization": SECRET}, 401)],
)
@pytest.mark.parametrize("action", ["claim", "release", "retry", "reopen"])
def test_nothing_changes_without_the_token(web, catalogue, headers, status, action):
    reply = web.post(f"/api/programs/{OP}/{action}", json={"by": "Jane"}, headers=headers)
    assert reply.status_code == status
    assert "error" in reply.get_json()
    assert catalogue.claimants() == {}
    assert len(catalogue.ledger.history(OP)) == 2


@pytest.mark.usefixtures("programs")
def test_a_form_needs_somebody_who_is_signed_in_and_the_key_of_the_session(web, catalogue):
    assert web.post(f"/programs/{OP}/claim").status_code == 401
    assert sign_in(web, token="wrong token, but long").status_code == 403
    assert web.post(f"/programs/{OP}/claim").status_code == 401
    assert sign_in(web).status_code == 302
    assert web.post(f"/programs/{OP}/claim").status_code == 403
    assert web.post(f"/programs/{OP}/claim", data={"form_key": "guess"}).status_code == 403
    assert catalogue.claimants() == {}
    assert press(web, "claim").status_code == 302
    assert catalogue.claimants() == {OP: "Jane"}


def test_without_a_token_nobody_can_change_anything(campaign, job, rounds, catalogue):
    make_invertible(catalogue, job, OP)
    web = create_app(campaign, job, rounds, Access("")).test_client()
    assert web.get(f"/programs/{OP}").status_code == 200
    assert sign_in(web, token="").status_code == 403
    reply = web.post(
        f"/api/programs/{OP}/claim", json={"by": "x"}, headers={"Authorization": "Bearer "}
    )
    assert reply.status_code == 403
    assert catalogue.claimants() == {}


def test_a_token_that_can_be_guessed_is_refused():
    with pytest.raises(ConfigError, match=f"{SERVE_TOKEN}: expected at least 16 characters"):
        Access("short")


def test_a_session_of_another_token_is_none(web, campaign, job, rounds, catalogue):
    make_invertible(catalogue, job, OP)
    cookie = sign_in(web).headers["Set-Cookie"].partition(";")[0]
    other = create_app(campaign, job, rounds, Access("another token of some length"))
    page = other.test_client(use_cookies=False).get("/", headers={"Cookie": cookie}).text
    assert "Sign in" in page
    assert "Sign out" in web.get("/").text


# ----------------------------------------------------------------- pages


@pytest.mark.usefixtures("programs")
def test_the_page_shows_criteria_values_and_history(web):
    page = web.get(f"/programs/{OP}").text
    for text in ("ao_locked", "AO locked in 990 of 1000 frames, 99 %", "discovered", "qualified"):
        assert text in page
    assert "Claim</button>" not in page  # nobody is signed in
    sign_in(web)
    assert "Claim</button>" in web.get(f"/programs/{OP}").text


def test_a_program_in_error_can_be_retried(web, catalogue, job):
    make_invertible(catalogue, job, OP)
    catalogue.ledger.record([Event(OP, State.ERROR, message="publish: <no> luck")], job)
    sign_in(web)
    assert "publish: &lt;no&gt; luck" in web.get(f"/programs/{OP}").text
    press(web, "retry")
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.message) == (State.QUALIFIED, "to be tried again, says Jane")


def test_new_data_since_the_inversion_are_said_and_the_program_can_be_reopened(web, catalogue, job):
    make_invertible(catalogue, job, OP)
    way = (State.PREPROCESSED, State.WORKING, State.DONE)
    catalogue.ledger.record([Event(OP, state) for state in way], job)
    words = f"new data since the inversion: cvzmpi level2 reopen {OP}"
    assert words not in web.get("/").text
    synchronise(catalogue, job, read_datasets([row("LATER")]))
    for page in ("/", f"/programs/{OP}"):
        assert words in web.get(page).text
    (item,) = web.get("/api/programs").get_json()
    assert item["news"] == words
    sign_in(web)
    press(web, "reopen")
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.message) == (State.DISCOVERED, "reopened by Jane")


@pytest.mark.usefixtures("programs")
def test_what_was_refused_is_said_on_the_page(web, catalogue, job):
    sign_in(web, "Joe")
    page = web.get(f"/programs/{OP}").text
    key = re.search(r'name="form_key" value="(\w+)"', page)[1]
    web.post(f"/api/programs/{OP}/claim", json={"by": "Jane"}, headers=BEARER)
    web.post(f"/programs/{OP}/claim", data={"form_key": key})
    assert f"{OP}: Jane has it" in web.get(f"/programs/{OP}").text


def test_pages_tell_browsers_to_be_careful(web):
    headers = web.get("/").headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


# ----------------------------------------------------------------- rounds


def test_a_round_scans_qualifies_and_publishes(rounds, catalogue, store, web):
    store.datasets = [row(), calcium()]
    rounds.go_round()
    assert catalogue.states() == {OP: State.QUALIFIED}
    steps = {report["step"]: report for report in web.get("/api/steps").get_json()}
    assert list(steps) == ["scan", "qualify", "inbox", "publish"]
    assert steps["scan"]["text"].startswith("2 datasets, 1 Observing Programs")
    assert not any(report["failed"] for report in steps.values())


def test_a_step_that_fails_is_shown_and_the_others_are_done(rounds, store, web, job, catalogue):
    make_invertible(catalogue, job, "second")
    store.failures = [(200, json.dumps({"errors": [{"message": "out of <order>"}]}))]
    rounds.go_round()
    scan, *others = web.get("/api/steps").get_json()
    assert (scan["failed"], scan["text"]) == (True, f"{store.url}: out of <order>")
    assert [report["failed"] for report in others] == [False] * 3
    assert "out of &lt;order&gt;" in web.get("/").text


def test_a_bad_row_is_shown(rounds, store, web):
    store.datasets = [row(), row("BADLY", startTime="yesterday")]
    rounds.go_round()
    assert "bad row BADLY: startTime" in web.get("/").text


# ----------------------------------------------------------------- the real server


@contextmanager
def served(location, store, directory, token=SECRET, interval=60.0):
    """`cvzmpi level2 serve` in a process of its own; its address, and the process."""
    url = location if "://" in location else f"sqlite:///{location}"
    (directory / "cvzmpi.toml").write_text(
        f'[ledger]\nurl = "{url}"\n[store]\nurl = "{store.url}"\nretries = 0\n'
        f"[serve]\nport = 0\ninterval = {interval}\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "cvzmpi", "level2", "serve"],
        cwd=directory,
        env={**environment(), STORE_AUTHORIZATION: TOKEN, SERVE_TOKEN: token},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        address = re.fullmatch(r"serving at (http://127\.0\.0\.1:\d+)/\n", line)
        assert address, line
        yield address[1], process
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def wait_until(what):
    give_up = time.monotonic() + 60
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_serve_goes_through_all_steps_again_and_again(postgres, store, tmp_path):
    location = postgres.make_database("level2_served")
    store.datasets = [row(), calcium()]
    with served(location, store, tmp_path, interval=0.005) as (address, process):
        get = lambda path: requests.get(address + path, timeout=30).json()  # noqa: E731
        wait_until(lambda: [i["state"] for i in get("/api/programs")] == ["Invertible"])
        store.datasets.append(row("LATE", updateDate="2023-02-01T00:00:00"))
        wait_until(lambda: len(get(f"/api/programs/{OP}")["datasets"]) == 3)
        history = [event["to"] for event in get(f"/api/programs/{OP}")["history"]]
        assert history[:3] == ["discovered", "qualified", "discovered"]
        reply = requests.post(f"{address}/api/programs/{OP}/claim", json={"by": "x"}, timeout=30)
        assert reply.status_code == 401
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    for number in (signal.SIGINT, signal.SIGHUP):
        with served(location, store, tmp_path, interval=0.005) as (_, process):
            os.kill(process.pid, number)
            assert process.wait(60) == 0
