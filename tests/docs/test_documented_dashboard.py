"""Blocks of the page about the dashboard: it is started, asked, reached, and scraped as it says."""

import json
import re
import subprocess
import sys

import pytest
import requests
import yaml

from cvzmpi.dashboard.access import SERVE_TOKEN
from tests.docs.code_blocks import blocks_tested_by
from tools.harness.job_process import environment

HERE = "tests/docs/test_documented_dashboard.py"
SECRET = "a token that is long enough"


def commands(test, block=0):
    return blocks_tested_by(f"{HERE}::{test}")[block].commands


@pytest.fixture
def start(finished_campaign):
    """Start a `cvzmpi serve` of the page on a free port; its address."""
    started = []

    def start(command):
        words = command.split()[1:]
        options = words if "--port" not in words else words[: words.index("--port")]
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "cvzmpi", *options, "--port", "0"],
            cwd=finished_campaign,
            env=environment(**{SERVE_TOKEN: SECRET}),
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process.stdout.readline().removeprefix("serving at ").strip()

    yield start
    for process in started:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def test_it_is_started_and_asked(start, documented_environment):
    make_token, serve = commands("test_it_is_started_and_asked")
    told = subprocess.run(
        ["bash", "-euc", f"{make_token}\necho ${SERVE_TOKEN}"],
        env=documented_environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(told.strip()) >= 16
    address = start(serve)
    answers = []
    for command in commands("test_it_is_started_and_asked", 1):
        ended = subprocess.run(
            ["bash", "-euc", command.replace("http://127.0.0.1:8080/", address)],
            env=documented_environment | {SERVE_TOKEN: SECRET},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(json.loads(ended.stdout))
    assert answers[0]["units"]["done"] == 2
    assert answers[1] == {"retried": 0, "failed": 0}


def test_the_tunnel_leads_to_the_port():
    (tunnel,) = commands("test_the_tunnel_leads_to_the_port")
    assert re.search(r"-L 8080:127\.0\.0\.1:8080 ", tunnel)
    assert "--port 8080" in commands("test_it_is_started_and_asked")[1]


def test_the_web_server_sends_what_the_dashboard_reads(start):
    configuration = blocks_tested_by(f"{HERE}::test_the_web_server_sends_what_the_dashboard_reads")[
        0
    ].text
    values = {"$http_host": "example.org", "$remote_addr": "192.0.2.1", "$scheme": "https"}
    sent = re.findall(r"proxy_set_header (\S+) +(\S+);", configuration)
    headers = {name: values.get(value, value.strip("\"")) for name, value in sent}
    (serve,) = commands("test_the_web_server_sends_what_the_dashboard_reads", 1)
    address = start(serve)

    def sign_in(token, **more):
        return requests.post(
            f"{address}sign-in",
            data={"name": "Jane", "token": token},
            headers={**headers, **more},
            allow_redirects=False,
            timeout=60,
        )

    assert {sign_in("wrong").status_code for _ in range(8)} == {403, 429}
    reply = sign_in(SECRET, **{"X-Forwarded-For": "192.0.2.2"})
    assert reply.status_code == 302
    assert "Secure" in reply.headers["Set-Cookie"]


def test_prometheus_is_told_where_the_metrics_are():
    (block,) = blocks_tested_by(f"{HERE}::test_prometheus_is_told_where_the_metrics_are")
    (scraped,) = yaml.safe_load(block.text)["scrape_configs"]
    assert scraped["static_configs"] == [{"targets": ["127.0.0.1:8080"]}]
    assert "metrics_path" not in scraped  # it is /metrics
