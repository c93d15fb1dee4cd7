"""`cvzmpi serve` in a process of its own."""

import re
import subprocess
import sys
from contextlib import contextmanager

from cvzmpi.dashboard.access import SERVE_TOKEN
from tools.harness.job_process import environment

SECRET = "a token that is long enough"


@contextmanager
def served(directory, *options, token=SECRET):
    """The dashboard of the campaign in a directory; its address."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "cvzmpi", "serve", "--port", "0", *options],
        cwd=directory,
        env=environment(**{SERVE_TOKEN: token}),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        address = re.fullmatch(r"serving at (http://127\.0\.0\.1:\d+)/\n", line)
        assert address, line
        yield address[1]
    finally:
        process.terminate()
        assert process.wait(60) == 0
        process.stdout.close()
