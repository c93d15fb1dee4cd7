"""`cvzmpi status` and `history` print the parts that the page of the ledger shows."""

import re
import socket
import subprocess
import sys

import pytest

from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.docs.code_blocks import blocks_tested_by
from tools.harness.job_process import environment, kill_when, start

N_STARS = 16
_SETTINGS = "[inject]\nn_inject = 500\nn_repeat = 3\n[checkpoint]\ninterval = 0.3\n"
_PHRASE = re.compile(r"[a-z(][a-z ,()/-]{3,}[a-z):]")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """All that `status` printed of a campaign that was killed and went on, and a history."""
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

    seen = []

    def half_done():
        """A light curve at work that has its first checkpoint, once another one is done."""
        seen.append(ask("status"))
        names = re.findall(r"(\d+_\d+) \(", seen[-1].partition("longest at work")[2][:60])
        has_file = [n for n in names if list((directory / "output").glob(f"*/{n}.h5"))]
        return has_file[0] if has_file and re.search(r"[1-9]\d* done", seen[-1]) else None

    # Twice: the light curve that was looked at may have been done when the kill came, and another
    # begun.
    for _ in range(2):
        kill_when(start(["run"], ranks=3, cwd=directory), half_done)
    last = start(["run"], ranks=3, cwd=directory)
    while last.poll() is None:
        seen.append(ask("status"))
    last.communicate()
    names = sorted(path.stem for path in (directory / "output").glob("*/*.h5"))
    histories = (ask("history", name) for name in names)
    killed = next(text for text in histories if "died on vm, progress" in text)
    return {"status": "".join(seen), "history": killed}


@pytest.mark.parametrize(("number", "command"), [(0, "status"), (1, "history")])
def test_every_phrase_that_the_page_shows_is_printed(shown, number, command):
    block = blocks_tested_by("tests/docs/test_documented_status.py")[number]
    # how long it still takes is in minutes or in seconds
    phrases = set(_PHRASE.findall(block.text.replace(" min left", " left")))
    assert len(phrases) >= 8
    printed = " ".join(shown[command].split())
    missing = {phrase for phrase in phrases if " ".join(phrase.split()) not in printed}
    assert missing == set()
