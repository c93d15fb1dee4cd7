"""`cvzmpi status` and `history` print the parts that the page of the ledger shows."""

import re
import socket
import subprocess
import sys

import pytest

from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.docs.code_blocks import blocks_tested_by
from tools.harness.job_process import environment, kill_when, start, wait_until

_SETTINGS = "[inject]\nn_inject = 4000\n[checkpoint]\ninterval = 0.3\n"
_PHRASE = re.compile(r"[a-z(][a-z ,()/-]{3,}[a-z):]")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Status and history of a campaign that was killed, and is at work again."""
    directory = tmp_path_factory.mktemp("killed")
    files = simulate_campaign(directory / "input", 9, 7, n_cadences=3000, active=True)
    for file in files[-2:]:  # truncated
        file.write_bytes(file.read_bytes()[:50_000])
    (directory / "cvzmpi.toml").write_text(_SETTINGS)

    def ask(*arguments):
        command = [sys.executable, "-m", "cvzmpi", *arguments]
        return subprocess.run(
            command, cwd=directory, env=environment(), capture_output=True, text=True, check=True
        ).stdout.replace(socket.gethostname(), "vm")

    def n_done():
        return len(re.findall(r"\b[1-9]\d* done", ask("status").partition("\n")[0]))

    process = start(["run"], ranks=3, cwd=directory)
    kill_when(process, lambda: n_done() and "longest at work" in ask("status"))
    process = start(["run"], ranks=3, cwd=directory)
    wait_until(lambda: "longest at work" in ask("status"))
    again = re.search(r"longest at work: (\S+)", ask("status"))[1]
    status = ask("status")
    kill_when(process, lambda: True)
    process = start(["run"], ranks=3, cwd=directory)
    process.communicate(timeout=300)
    return {"status": status, "history": ask("history", again)}


@pytest.mark.parametrize(("number", "command"), [(0, "status"), (1, "history")])
def test_every_phrase_that_the_page_shows_is_printed(shown, number, command):
    block = blocks_tested_by("tests/docs/test_documented_status.py")[number]
    phrases = set(_PHRASE.findall(block.text))
    assert len(phrases) >= 8
    printed = " ".join(shown[command].split())
    missing = {phrase for phrase in phrases if " ".join(phrase.split()) not in printed}
    assert missing == set(), shown[command]
