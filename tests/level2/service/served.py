"""The service in a process of its own."""

import re
import subprocess
import sys
from contextlib import contextmanager

from cvzmpi.dashboard.access import SERVE_TOKEN
from cvzmpi.level2.configuration import STORE_AUTHORIZATION
from tests.level2.stand_in_store import TOKEN
from tools.harness.job_process import environment

SECRET = "a token that is long enough"


@contextmanager
def served(location, store, directory, token=SECRET, interval=60.0, proxy=""):
    """`cvzmpi level2 serve` in a process of its own; its address, and the process."""
    url = location if "://" in location else f"sqlite:///{location}"
    (directory / "cvzmpi.toml").write_text(
        f'[ledger]\nurl = "{url}"\n[store]\nurl = "{store.url}"\nretries = 0\n'
        f'[serve]\nport = 0\ninterval = {interval}\nproxy = "{proxy}"\n'
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
