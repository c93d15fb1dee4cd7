"""The pages, the JSON and the metrics say what the ledger has; who signs in can retry."""

import json
import re
import stat
from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.app import create_app
from cvzmpi.dashboard.look.kept import Kept
from cvzmpi.errors import LedgerUnavailableError
from cvzmpi.ledger import Ledger, State
from cvzmpi.ledger.records import now
from cvzmpi.ledger.status import browse
from cvzmpi.ledger.status.status import take_status
from tests.dashboard.served import SECRET
from tests.ledger.way import bring_to

BEARER = {"Authorization": f"Bearer {SECRET}"}
PAGES = ("/", "/overview", "/results", "/failures", "/units", "/units?state=error", "/disk")


def sign_in(web, **data):
    return web.post("/sign-in", data={"name": "Jane", "token": SECRET, **data})


def form_key(web):
    return re.search(r'name="form_key" value="(\w+)"', web.get("/failures").text)[1]


def states(ledger):
    return {unit.name: unit.state for unit in ledger.units()}


# ----------------------------------------------------------------- JSON


@pytest.mark.usefixtures("running")
def test_the_status_is_that_of_the_command_field_by_field(web, location):
    told, expected = web.get("/api/status").get_json(), take_status(location).as_json()
    assert told.keys() == expected.keys()
    moving = {"at", "done_within_seconds", "done_per_hour", "seconds_left"}
    for name in told.keys() - moving - {"jobs"}:
        assert told[name] == json.loads(json.dumps(expected[name])), name
    for told_job, job in zip(told["jobs"], expected["jobs"], strict=True):
        assert {**told_job, "silent_seconds": 0} == {**job, "silent_seconds": 0}


@pytest.mark.usefixtures("running")
def test_the_parts_have_the_same_figures(web):
    parts = web.get("/api/parts/overview").get_json()["parts"]
    states = {row[0]["text"]: row[1]["text"] for row in parts["states"]}
    assert states == {"preprocessed": "3", "working": "1", "done": "2", "error": "3"}
    run = next(row for row in parts["jobs"] if row[0]["text"].endswith("run"))
    assert [cell["text"] for cell in run[3:7]] == ["812", run[4]["text"], "40", "2"]
    assert [run[8]["text"], run[9]["text"], run[10]["text"]] == ["1", "1", "38"]
    assert parts["total"] == "9 light curves"
    assert [row[0]["text"] for row in parts["at-work"]] == ["6_1"]


@pytest.mark.usefixtures("running")
def test_the_newest_results_are_those_in_which_something_was_found(web):
    (row,) = web.get("/api/parts/results").get_json()["parts"]["results"]
    assert [cell["text"] for cell in (row[0], *row[2:])] == ["1_1", "3", "12.3", "8 s"]


@pytest.mark.usefixtures("running")
def test_the_disk_is_what_jobs_and_events_told(web):
    parts = web.get("/api/parts/disk").get_json()["parts"]
    (row,) = parts["disk"]
    assert [cell["text"] for cell in row[:3]] == ["output", "5 GB", "10 GB"]
    assert [row[1]["text"] for row in parts["inputs"]] == ["3", "3", "3 kB", "0"]


# ----------------------------------------------------------------- pages


@pytest.mark.usefixtures("running")
def test_failures_are_shown_by_their_reason(web):
    page = web.get("/failures").text
    assert "3 failed light curves" in page
    assert "12 &lt;usable&gt; cadences" in page
    assert page.count("<tr>") == 3  # the head, and two reasons
    assert "<button>Retry" not in page  # nobody is signed in


@pytest.mark.usefixtures("running")
def test_the_history_of_a_unit_has_each_event_with_who_and_where(web):
    page = web.get("/unit?name=1_1").text
    for text in ("discovered", "working, attempt 1", "rank 3 on n042", "run 2 (812)", "n_flares 3"):
        assert text in page
    assert "largest_flare 12.346" in page
    assert web.get("/unit?name=none").status_code == 404
    assert web.get("/unit").status_code == 404


def test_pages_of_units_lead_from_one_to_the_next(web, ledger, job, monkeypatch):
    monkeypatch.setattr(browse, "PAGE", 3)
    names = ["a/b", "a b&c", "ü", "<d>", "%2F", "e_1", "f_1"]
    bring_to(ledger, job, State.QUALIFIED, *names)
    seen, address = [], "/units?state=qualified"
    while address:
        page = web.get(address).text
        links = re.findall(r'<a href="(/unit\?[^"]+)">', page)
        assert all(web.get(link.replace("&amp;", "&")).status_code == 200 for link in links)
        seen += links
        following = re.search(r'<a rel="next" href="([^"]+)"', page)
        address = following and following[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == len(names)
    assert "e_1" in web.get("/units?q=e_").text
    assert web.get("/units?state=done&since=x&after=1").status_code == 400


@pytest.mark.usefixtures("running")
def test_pages_tell_browsers_to_be_careful_and_have_no_inline_script_or_style(web):
    sign_in(web)
    for address in PAGES:
        reply = web.get(address)
        assert reply.status_code == 200
        assert reply.headers["Content-Security-Policy"].startswith("default-src 'self'")
        assert reply.headers["Cache-Control"] == "no-store"
        assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", reply.text), address
        for asset in re.findall(r'(?:src|href)="(/assets/[^"]+)"', reply.text):
            assert web.get(asset).status_code == 200, asset


# ----------------------------------------------------------------- changes


@pytest.mark.usefixtures("running")
def test_who_signed_in_retries_all_that_failed_for_one_reason(web, ledger):
    assert web.post("/retry", data={"like": "3_1"}).status_code == 401
    sign_in(web)
    assert web.post("/retry", data={"like": "3_1"}).status_code == 403
    key = form_key(web)
    reply = web.post("/retry", data={"like": "3_1", "form_key": key})
    assert reply.location == "/failures"
    assert "2 of 3 failed units will be tried again" in web.get("/failures").text
    assert [states(ledger)[name] for name in ("3_1", "4_1", "5_1")] == [
        State.PREPROCESSED,
        State.PREPROCESSED,
        State.ERROR,
    ]
    event = ledger.history("4_1")[-1]
    assert (event.message, event.job.program) == ("to be tried again, says Jane", "retry")
    assert event.attempts_used == 0
    web.post("/retry", data={"unit": "5_1", "form_key": key})
    assert states(ledger)["5_1"] is State.PREPROCESSED
    web.post("/retry", data={"unit": "5_1", "form_key": key})
    assert "has not failed: 5_1 (is preprocessed)" in web.get("/failures").text
    assert web.post("/retry", data={"form_key": key}).status_code == 400


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("body", "n"), [({"units": ["3_1", "5_1"]}, 2), ({"message": "flux"}, 1), ({"all": True}, 3)]
)
def test_a_program_retries_with_the_token(web, ledger, body, n):
    assert web.post("/api/retry", json=body).status_code == 401
    reply = web.post("/api/retry", json={**body, "by": "Joe"}, headers=BEARER)
    assert reply.get_json() == {"retried": n, "failed": 3}
    assert Counter(states(ledger).values())[State.ERROR] == 3 - n
    reply = web.post("/api/retry", json={"units": ["1_1"]}, headers=BEARER)
    assert (reply.status_code, reply.get_json()) == (
        409,
        {"error": "has not failed: 1_1 (is done)"},
    )


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    "body",
    [
        *({}, {"units": "3_1"}, {"units": [1]}, {"message": 5}, {"all": False}, {"all": 1}, []),
        *({"all": True, "message": "x"}, {"units": ["a\0"]}, {"all": True, "by": ""}),
    ],
)
def test_what_is_no_clear_wish_is_refused(web, ledger, body):
    reply = web.post("/api/retry", json=body, headers=BEARER)
    assert reply.status_code == 400
    assert Counter(states(ledger).values())[State.ERROR] == 3


def test_without_a_token_nobody_signs_in(served_campaign, ledger):
    web = create_app(served_campaign, Access("")).test_client()
    assert "started\n  without a token" in web.get("/failures").text
    assert sign_in(web).status_code == 403


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("page", "leads_to"),
    [
        ("/units?state=error", "/units?state=error"),
        ("//elsewhere.org/", "/overview"),
        ("https://elsewhere.org/", "/overview"),
        ("/\\elsewhere.org", "/overview"),
        ("/a\nb", "/overview"),
        ("/" + "x" * 5000, "/overview"),
    ],
)
def test_who_signs_in_comes_back_to_a_page_of_ours(web, page, leads_to):
    assert sign_in(web, page=page).location == leads_to


# ----------------------------------------------------------------- metrics


@pytest.mark.usefixtures("running")
def test_prometheus_reads_the_metrics(web, location):
    reply = web.get("/metrics")
    assert reply.content_type.startswith("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    counts = take_status(location).counts
    assert {state: samples["cvzmpi_units", state.value] for state in State} == counts
    assert samples["cvzmpi_ledger_up",] == 1
    assert samples["cvzmpi_done_total",] == 2
    assert (samples["cvzmpi_failures",], samples["cvzmpi_failure_reasons",]) == (3, 2)
    assert samples["cvzmpi_steps_per_second",] == 37.5
    assert samples["cvzmpi_jobs", "lives"] == 2  # the fixture's own, and the one that runs
    assert samples["cvzmpi_jobs", "dead"] == 0
    assert samples["cvzmpi_ranks",] == 41
    (steps,) = (v for key, v in samples.items() if key[0] == "cvzmpi_job_steps_total" and v)
    assert steps == 4000
    assert samples["cvzmpi_lease_seconds",] == 120
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    told = web.get("/metrics", headers=accepted)
    assert told.content_type.startswith("application/openmetrics-text")
    assert "cvzmpi_units" in {family.name for family in open_metrics(told.text)}


# ----------------------------------------------------------------- a ledger that is away


def test_a_ledger_that_goes_is_said_and_comes_back(tmp_path, served_campaign, location, web):
    if not location.endswith(".sqlite"):
        pytest.skip("test_away.py stops a server of PostgreSQL")
    Ledger.open(location).close()
    (tmp_path / "ledger.sqlite").rename(tmp_path / "away")
    for address in PAGES:
        reply = web.get(address)
        assert reply.status_code == 503, address
        assert "there is no ledger" in reply.text
    for address in ("/api/status", "/api/parts/overview"):
        reply = web.get(address)
        assert reply.status_code == 503
        assert "there is no ledger" in reply.get_json()["error"]
    assert "cvzmpi_ledger_up 0.0" in web.get("/metrics").text
    assert not (tmp_path / "ledger.sqlite").exists(), "nothing is made in its place"
    (tmp_path / "away").rename(tmp_path / "ledger.sqlite")
    web = create_app(served_campaign, Access(SECRET)).test_client()
    assert web.get("/overview").status_code == 200


@pytest.mark.usefixtures("running")
def test_a_ledger_that_may_only_be_read_is_shown(tmp_path, location, web):
    if not location.endswith(".sqlite"):
        pytest.skip("of files")
    file = tmp_path / "ledger.sqlite"
    before = file.read_bytes()
    file.chmod(stat.S_IRUSR)
    for address in (*PAGES, "/unit?name=1_1", "/metrics", "/api/throughput.js"):
        assert web.get(address).status_code == 200
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.sqlite"]


@pytest.mark.parametrize("broken", ["missing", "no ledger", "directory"])
def test_what_is_no_ledger_is_one_line_and_status_2(call, tmp_path, broken):
    file = tmp_path / "ledger.sqlite"
    if broken == "no ledger":
        file.write_text("this is none" * 100)
    elif broken == "directory":
        file.mkdir()
    status, out, err = call("serve", "--output", tmp_path)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "ledger" in err


def test_an_address_that_is_not_ours_is_one_line_and_status_2(call, tmp_path):
    Ledger.open(tmp_path / "ledger.sqlite").close()
    status, _, err = call("serve", "--output", tmp_path, "--host", "192.0.2.1", "--port", "0")
    assert status == 2
    assert "192.0.2.1:0: cannot serve here" in err


# ----------------------------------------------------------------- many readers


def test_a_value_is_made_once_for_all_who_ask_within_its_time():
    clock, made = [0.0], []
    kept = Kept(lambda: made.append(1) or len(made), 5.0, lambda: clock[0])
    assert [kept.get(), kept.get()] == [1, 1]
    clock[0] = 5.0
    assert kept.get() == 2


def test_an_error_is_kept_as_well_and_goes_by():
    clock, answers = [0.0], iter([LedgerUnavailableError("away"), 7])

    def make():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    kept = Kept(make, 5.0, lambda: clock[0])
    for _ in range(3):
        with pytest.raises(LedgerUnavailableError, match="away"):
            kept.get()
    clock[0] = 6.0
    assert kept.get() == 7


@pytest.mark.usefixtures("running")
def test_odd_requests_are_no_defects(web):
    sign_in(web)
    odd = ("%00", "%FF", "x" * 5000, "%F0%9F%98%80", "..%2F..%2Fetc%2Fpasswd", "%ED%A0%80")
    for part in odd:
        for address in (
            f"/unit?name={part}",
            f"/units?q={part}",
            f"/units?state={part}",
            f"/units?state=done&since=2026-01-01&after={part}",
            f"/units?state=done&since={part}&after=1",
            f"/api/parts/unit?name={part}",
            f"/api/parts/{part}",
            f"/assets/web/{part}",
            f"/assets/dashboard/{part}",
            f"/{part}",
        ):
            reply = web.get(address)
            assert reply.status_code in {200, 400, 404}, address
            assert len(reply.data) < 50_000
        reply = web.post(
            "/retry",
            data=f"like={part}&form_key={form_key(web)}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert reply.status_code in {302, 400}


def test_intervals_become_a_chart(web, ledger, running):
    script = web.get("/api/throughput.js").text
    assert script.startswith('cvzmpi.chart("throughput",')
    description = json.loads(script.partition(",")[2].removesuffix(");\n"))
    done, failed = description["series"]
    assert sum(done["y"]) == 2
    assert sum(failed["y"]) == 3
    assert now() - running.started < timedelta(minutes=9)
