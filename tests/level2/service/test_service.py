"""The service: its JSON, its pages, who may change something, and the rounds of all steps."""

import html
import json
import os
import re
import signal
from collections import Counter
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest
import requests

from cvzmpi.dashboard.access import SERVE_TOKEN, Access, WrongTokens
from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Event, State
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.service.app import create_app
from tests.dashboard.odd_requests import is_defect, raw
from tests.level2.example_rows import OP, calcium, row
from tests.level2.invertible_programs import make_invertible
from tests.level2.service.forms import press, sign_in
from tests.level2.service.served import SECRET, served
from tools.harness.job_process import wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BEARER = {"Authorization": f"Bearer {SECRET}"}


def names(reply):
    return [item["name"] for item in reply.get_json()]


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
    assert len(program["criteria"]) == 12
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
def test_a_program_is_reserved_and_released_with_the_token(web, catalogue):
    address = f"/api/programs/{OP}/reserve"
    assert web.post(address, json={"by": "Jane"}, headers=BEARER).get_json() == {
        "program": OP,
        "done": "reserve",
    }
    assert catalogue.reservations() == {OP: "Jane"}
    reply = web.post(address, json={"by": "Joe"}, headers=BEARER)
    assert (reply.status_code, reply.get_json()) == (409, {"error": f"{OP}: Jane has it"})
    assert names(web.get("/api/programs?by=jane")) == [OP]
    reply = web.post(f"/api/programs/{OP}/release", json={"by": "Jane"}, headers=BEARER)
    assert reply.status_code == 200
    assert catalogue.reservations() == {}


# ----------------------------------------------------------------- access


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer wrong"}, 403), ({"Authorization": SECRET}, 401)],
)
@pytest.mark.parametrize("action", ["reserve", "claim", "release", "retry", "reopen"])
def test_nothing_changes_without_the_token(web, catalogue, headers, status, action):
    reply = web.post(f"/api/programs/{OP}/{action}", json={"by": "Jane"}, headers=headers)
    assert reply.status_code == status
    assert "error" in reply.get_json()
    assert catalogue.reservations() == {}
    assert len(catalogue.ledger.history(OP)) == 2


@pytest.mark.usefixtures("programs")
def test_a_form_needs_somebody_who_is_signed_in_and_the_key_of_the_session(web, catalogue):
    assert web.post(f"/programs/{OP}/reserve").status_code == 401
    assert sign_in(web, token="wrong token, but long").status_code == 403
    assert web.post(f"/programs/{OP}/reserve").status_code == 401
    assert sign_in(web).status_code == 302
    assert web.post(f"/programs/{OP}/reserve").status_code == 403
    assert web.post(f"/programs/{OP}/reserve", data={"form_key": "guess"}).status_code == 403
    assert catalogue.reservations() == {}
    assert press(web, "reserve").status_code == 302
    assert catalogue.reservations() == {OP: "Jane"}


def test_without_a_token_nobody_can_change_anything(campaign, job, rounds, catalogue):
    make_invertible(catalogue, job, OP)
    web = create_app(campaign, job, rounds, Access("")).test_client()
    assert web.get(f"/programs/{OP}").status_code == 200
    assert sign_in(web, token="").status_code == 403
    reply = web.post(
        f"/api/programs/{OP}/reserve", json={"by": "x"}, headers={"Authorization": "Bearer "}
    )
    assert reply.status_code == 403
    assert catalogue.reservations() == {}


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


NO_NAMES = ["", " ", "x" * 101, "x" * 100_000, "a\0b", "\ud800", ["Jane"], {"a": 1}, 5, None, True]


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize("action", ["reserve", "claim", "release", "retry", "reopen"])
def test_a_name_is_a_short_text(web, catalogue, action):
    for by in NO_NAMES:
        reply = web.post(f"/api/programs/{OP}/{action}", json={"by": by}, headers=BEARER)
        assert reply.status_code == 400, by
        error = reply.get_json()["error"]
        assert error.startswith(("by: expected a name of 1 to 100 printable", "expected JSON"))
        assert len(reply.data) < 300
    assert len(catalogue.ledger.history(OP)) == 2


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    "body",
    [
        *(b"{", b"[]", b'"Jane"', b"5", b"null", b"\xff", b'{"by": NaN}', b"by=Jane"),
        *(
            b'{"by": "a", "x": ' + b"[" * 30 + b"]" * 30 + b"}",
            b'{"x": [' + b"1," * 150_000 + b"1]}",
        ),
        *(b'{"by": "a", "by": "b"}', b"[" * 100_000, b'{"by": ' + b"9" * 10_000 + b"}"),
    ],
)
def test_what_is_no_json_of_ours_is_said(web, body):
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
        headers = {**BEARER, "Content-Type": content_type}
        reply = web.post(f"/api/programs/{OP}/reserve", data=body, headers=headers)
        assert reply.status_code == 400
        assert reply.get_json()["error"]


@pytest.mark.usefixtures("programs")
def test_keys_and_tokens_of_any_characters_are_just_wrong(web):
    assert sign_in(web, token="ü" * 20).status_code == 403
    sign_in(web)
    for key in ("ü", "\0", "\U0001f600", "x" * 1000):
        reply = web.post(f"/programs/{OP}/reserve", data={"form_key": key})
        assert reply.status_code == 403
    reply = web.post(
        f"/api/programs/{OP}/reserve", headers={"Authorization": "Bearer \u00fc\u00ff"}
    )
    assert reply.status_code == 403


@pytest.mark.parametrize("name", ["", "  ", "x" * 5000, "a\0b"])
def test_nobody_signs_in_without_a_name(web, name):
    assert sign_in(web, name).status_code == 403
    assert "Sign out" not in web.get("/").text


SLASHED = [
    "a/b",
    "/a",
    "a/",
    "a//b",
    "/",
    "a/reserve",
    "a?b#c%2Fd",
    "ü/\U0001f600 &<>",
    "a\\b",
    "%00",
]


def test_programs_of_any_name_have_their_pages(web, catalogue, job):
    make_invertible(catalogue, job, *SLASHED)
    addresses = re.findall(r'<td><a href="([^"]+)">', web.get("/").text)
    assert len(addresses) == len(SLASHED)
    sign_in(web)
    shown = set()
    for address in map(html.unescape, addresses):
        page = web.get(address)
        assert page.status_code == 200, address
        shown.add(html.unescape(re.search("<h1>(.*)</h1>", page.text)[1]))
        assert web.get(f"/api{address}").status_code == 200
        key = re.search(r'name="form_key" value="(\w+)"', page.text)[1]
        reply = web.post(f"{address}/reserve", data={"form_key": key})
        assert web.get(reply.location).status_code == 200
    assert shown == set(SLASHED)
    assert catalogue.reservations() == dict.fromkeys(SLASHED, "Jane")


def test_a_program_whose_page_no_browser_could_ask_for_is_a_bad_row(catalogue):
    for name in ("..", "a/../b", "."):
        (bad,) = read_datasets([row(observingProgramExecutionId=name)]).bad
        assert "neither . nor .." in str(bad)


# ----------------------------------------------------------------- sessions and wrong tokens


def cookie_of(reply):
    return reply.headers["Set-Cookie"].split("; ")


def test_the_cookie_ends_and_is_kept_from_scripts_and_other_sites(web):
    cookie = cookie_of(sign_in(web))
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie)
    (until,) = (part.removeprefix("Expires=") for part in cookie if part.startswith("Expires="))
    hours = (parsedate_to_datetime(until) - datetime.now(timezone.utc)).total_seconds() / 3600
    assert hours == pytest.approx(12, abs=0.1)
    assert "Secure" not in cookie  # or no browser would send it to http://127.0.0.1


@pytest.mark.parametrize(
    "how", [{"base_url": "https://localhost"}, {"headers": {"X-Forwarded-Proto": "https"}}]
)
def test_over_tls_the_cookie_is_for_tls_alone(web, how):
    reply = web.post("/sign-in", data={"name": "Jane", "token": SECRET}, **how)
    assert "Secure" in cookie_of(reply)


def test_a_session_ends_after_its_time_whatever_the_browser_does(app, web, monkeypatch):
    value = cookie_of(sign_in(web))[0]
    read = lambda: app.test_client(use_cookies=False).get("/", headers={"Cookie": value}).text  # noqa: E731
    assert "Sign out" in read()
    app.permanent_session_lifetime = timedelta(seconds=-1)
    assert "Sign out" not in read()


def test_wrong_tokens_make_one_address_wait_longer_and_longer():
    clock = SimpleNamespace(now=0.0)
    tokens = WrongTokens(lambda: clock.now)
    waits = []
    for _ in range(14):
        tokens.wrong("192.0.2.1")
        waits.append(tokens.seconds_to_wait("192.0.2.1"))
        clock.now += waits[-1]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert tokens.seconds_to_wait("192.0.2.2") == 0
    tokens.wrong("192.0.2.1")
    tokens.right("192.0.2.1")
    assert tokens.seconds_to_wait("192.0.2.1") == 0
    for _ in range(4):
        tokens.wrong("2001:db8::1")
    assert tokens.seconds_to_wait("2001:db8::ffff") == 1  # the same household
    clock.now += 4000
    tokens.wrong("2001:db8::1")
    assert tokens.seconds_to_wait("2001:db8::1") == 0


def test_wrong_tokens_of_many_addresses_take_no_more_memory_than_that():
    tokens = WrongTokens()
    for n in range(12_000):
        tokens.wrong(f"10.1.{n // 250}.{n % 250}")
    assert len(tokens._clients) == 10_000


@pytest.mark.usefixtures("programs")
def test_no_token_is_looked_at_before_the_wait_is_over(web):
    replies = [sign_in(web, token="wrong token, but long") for _ in range(20)]
    assert [reply.status_code for reply in replies[:4]] == [403] * 4
    assert {reply.status_code for reply in replies[4:]} == {429}
    assert int(replies[-1].headers["Retry-After"]) >= 1
    assert sign_in(web).status_code == 429
    other = {"REMOTE_ADDR": "192.0.2.7"}
    reply = web.post(
        f"/api/programs/{OP}/reserve", json={"by": "x"}, headers=BEARER, environ_overrides=other
    )
    assert reply.status_code == 200


# ----------------------------------------------------------------- pages


@pytest.mark.usefixtures("programs")
def test_the_page_shows_criteria_values_and_history(web):
    page = web.get(f"/programs/{OP}").text
    for text in ("ao_locked", "AO locked in 990 of 1000 frames, 99 %", "discovered", "qualified"):
        assert text in page
    assert "Reserve</button>" not in page  # nobody is signed in
    sign_in(web)
    assert "Reserve</button>" in web.get(f"/programs/{OP}").text


def test_a_program_in_error_can_be_retried(web, catalogue, job):
    make_invertible(catalogue, job, OP)
    catalogue.ledger.record([Event(OP, State.ERROR, message="publish: <no> luck")], job)
    sign_in(web)
    assert "publish: &lt;no&gt; luck" in web.get(f"/programs/{OP}").text
    press(web, "retry")
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.message) == (State.QUALIFIED, "to be tried again, says Jane")


@pytest.mark.usefixtures("programs")
def test_the_pages_of_every_campaign_are_about_the_programs_too(web, catalogue, job):
    catalogue.ledger.record([Event(OP, State.ERROR, message="publish: no luck")], job)
    assert web.get("/api/status").get_json()["units"]["error"] == 1
    assert "cvzmpi_failures 1.0" in web.get("/metrics").text
    for address in ("/overview", "/results", "/units?state=error", "/disk", f"/unit?name={OP}"):
        page = web.get(address)
        assert page.status_code == 200
        assert 'href="/">Programs</a>' in page.text
    sign_in(web)
    page = web.get("/failures").text
    assert "publish: no luck" in page
    key = re.search(r'name="form_key" value="(\w+)"', page)[1]
    web.post("/retry", data={"form_key": key, "like": OP})
    assert "1 of 1 failed unit will be tried again" in web.get("/failures").text
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
    web.post(f"/api/programs/{OP}/reserve", json={"by": "Jane"}, headers=BEARER)
    web.post(f"/programs/{OP}/reserve", data={"form_key": key})
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
    assert steps["scan"]["text"].startswith("2 datasets, 1 Observing Program")
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
    store.datasets = [row(), row("BADLY", observingProgramExecutionId=None), calcium(endTime="?")]
    rounds.go_round()
    page = html.unescape(web.get("/").text)
    assert "bad row BADLY: observingProgramExecutionId = None" in page
    assert "CALCI cannot be read: endTime = '?'" in page


# ----------------------------------------------------------------- requests that nobody means


METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO")
PARTS = (
    "%00",
    "%2F",
    "..%2F..%2Fetc%2Fpasswd",
    "%FF%FE",
    "x" * 10_000,
    "%F0%9F%98%80",
    "%25",
    "a/b",
)
BODIES = (
    (b"", {}),
    (b"[1, 2]", {"Content-Type": "application/json"}),
    (b"\xff\xfe{", {"Content-Type": "application/json"}),
    (b"[" * 50_000, {"Content-Type": "application/json"}),
    (b'{"by": "\\u0000"}', {"Content-Type": "nonsense/;;;=\xff"}),
    (b"form_key=%FF%00&name=%ED%A0%80&token=%C3%BC", FORM),
    (b"--x\r\nContent-Disposition: form-data", {"Content-Type": "multipart/form-data; boundary=x"}),
    (b"x" * ((1 << 20) + 1), FORM),
)


def addresses_of(app):
    """The address of each page, with each odd name of a program."""
    for rule in app.url_map.iter_rules():
        for part in PARTS:
            address = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
            yield re.sub("<[^>]*>", lambda _, part=part: part, address)
    yield "/programs/"
    yield "/?state=%00&text=%FF&by=" + "x" * 5000


@pytest.mark.usefixtures("programs")
def test_no_request_is_a_defect_of_the_service(app):
    signed_in = app.test_client()
    sign_in(signed_in)
    statuses = Counter()
    for address in dict.fromkeys(addresses_of(app)):
        for method in METHODS:
            bodies = BODIES if method == "POST" else BODIES[:1]
            for body, headers in bodies:
                for web in (app.test_client(), signed_in):
                    reply = web.open(
                        address,
                        method=method,
                        data=body,
                        headers=headers | BEARER,
                        environ_overrides={"REMOTE_ADDR": str(statuses.total())},
                    )
                    statuses[reply.status_code] += 1
                    assert reply.status_code < 500, (method, address[:80], body[:30])
                    assert len(reply.data) < 100_000
                    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert {200, 400, 403, 404, 405, 413} <= statuses.keys()
    assert app.test_client().put("/").headers["Allow"]


# ----------------------------------------------------------------- the real server


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
        reply = requests.post(f"{address}/api/programs/{OP}/reserve", json={"by": "x"}, timeout=30)
        assert reply.status_code == 401
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(60) == 0
    for number in (signal.SIGINT, signal.SIGHUP):
        with served(location, store, tmp_path, interval=0.005) as (_, process):
            os.kill(process.pid, number)
            assert process.wait(60) == 0


def test_the_real_server_bears_odd_requests_and_slows_wrong_tokens_of_one_client(
    postgres, store, tmp_path
):
    location = postgres.make_database("level2_bearing")
    store.datasets = [
        row(observingProgramExecutionId="a/b"),
        calcium(observingProgramExecutionId="a/b"),
    ]
    with served(location, store, tmp_path) as (address, process):
        get = lambda path: requests.get(address + path, timeout=60)  # noqa: E731
        wait_until(lambda: [i["state"] for i in get("/api/programs").json()] == ["Invertible"])
        assert get("/programs/a%2Fb").status_code == get("/programs/a/b").status_code == 200
        for path in ("/programs/%00", "/api/programs/%00", "/programs/%FF", "/" + "x" * 10_000):
            assert get(path).status_code == 404
        for request in (
            b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\xff\r\n\r\n",
            b"GET \xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n",
            b"POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nx",
            b"GET / HTTP/1.1\r\nX: " + b"x" * 300_000 + b"\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nCookie: session=\xff.\x01\r\n\r\n",
        ):
            assert not is_defect(raw(address, request)), request[:60]

        reserve = f"{address}/api/programs/a%2Fb/reserve"
        post = lambda token: requests.post(  # noqa: E731
            reserve, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        statuses = Counter(post("wrong").status_code for _ in range(20))
        assert statuses[429] >= 10
        assert statuses.keys() == {403, 429}
        body = b'{"by": "Jane"}'
        request = (
            f"POST /api/programs/a%2Fb/reserve HTTP/1.0\r\nContent-Length: {len(body)}\r\n"
            f"Authorization: Bearer {SECRET}\r\n\r\n"
        )
        answer = raw(address, request.encode() + body, source="127.0.0.2")
        assert answer.startswith(b"HTTP/1.0 200 "), answer
        assert process.poll() is None


def test_behind_a_web_server_its_clients_are_told_apart(location, store, tmp_path):
    with served(location, store, tmp_path, proxy="127.0.0.1") as (address, _):

        def sign_in_from(client, token):
            return requests.post(
                f"{address}/sign-in",
                data={"name": "Jane", "token": token},
                headers={"X-Forwarded-For": client, "X-Forwarded-Proto": "https"},
                allow_redirects=False,
                timeout=60,
            )

        assert {sign_in_from("192.0.2.1", "wrong").status_code for _ in range(8)} == {403, 429}
        reply = sign_in_from("192.0.2.2", SECRET)
        assert reply.status_code == 302
        assert "Secure" in cookie_of(reply)


def test_a_web_server_has_an_address(cvzmpi):
    with pytest.raises(ConfigError, match=r"serve\.proxy = 'nginx': expected an address|proxy"):
        cvzmpi("serve", "--set", "serve.proxy=nginx")
