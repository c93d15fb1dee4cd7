"""`cvzmpi status` and `history` print the parts that the page of the ledger shows."""

import re
import socket
import subprocess
import sys

import pytest

from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.docs.code_blocks import blocks_tested_by
from tools.harness.job_process import HANGS_AFTER, environment, kill_when, start, wait_until

N_STARS = 16
_SETTINGS = "[inject]\nn_inject = 500\nn_repeat = 3\n[checkpoint]\ninterval = 0.3\n"
_PHRASE = re.compile(r"[a-z(][a-z ,()/-]{3,}[a-z):]")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Status and history of a campaign that was killed, and is at work again."""
    directory = tmp_path_factory.mktemp("killed")
    simulate_campaign(directory / "input", N_STARS, 7, n_cadences=2000, active=True)
    for file in simulate_campaign(directory / "longer", 2, 7, n_cadences=6000, active=True):
        # truncated, and still the largest, which are worked on first
        (directory / "input" / file.name).write_bytes(
            file.read_bytes()[: 2 * file.stat().st_size // 3]
        )
    (directory / "cvzmpi.toml").write_text(_SETTINGS)

    def ask(*arguments):
        """What a command prints; there is no ledger yet when a job has just been started."""
        command = [sys.executable, "-m", "cvzmpi", *arguments]
        return subprocess.run(
            command, cwd=directory, env=environment(), capture_output=True, text=True, check=False
        ).stdout.replace(socket.gethostname(), "vm")

    def at_work():
        return re.findall(r"(\d+_\d+) \(", ask("status").partition("longest at work")[2])[:2]

    first = start(["run"], ranks=3, cwd=directory)
    kill_when(first, lambda: re.search(r"[1-9]\d* done", ask("status")) and at_work())
    second = start(["run"], ranks=3, cwd=directory)
    expected = re.compile(
        r"about.*^2 run.*longest at work.*^next \(.*^failed", re.DOTALL | re.MULTILINE
    )
    wait_until(lambda: expected.search(ask("status")) and len(at_work()) == 2)
    (again, _), status = at_work(), ask("status")
    second.communicate(timeout=HANGS_AFTER)
    return {"status": status, "history": ask("history", again)}


@pytest.mark.parametrize(("number", "command"), [(0, "status"), (1, "history")])
def test_every_phrase_that_the_page_shows_is_printed(shown, number, command):
    block = blocks_tested_by("tests/docs/test_documented_status.py")[number]
    phrases = set(_PHRASE.findall(block.text))
    assert len(phrases) >= 8
    printed = " ".join(shown[command].split())
    missing = {phrase for phrase in phrases if " ".join(phrase.split()) not in printed}
    assert missing == set(), shown[command]
