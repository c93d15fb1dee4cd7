"""`cvzmpi serve`, and what is like it, in a process of its own."""

import re
import subprocess
import sys
from contextlib import contextmanager

from cvzmpi.dashboard.access import SERVE_TOKEN
from tools.harness.job_process import environment

SECRET = "a token that is long enough"


@contextmanager
def serving(directory, *arguments, **variables):
    """`cvzmpi` with these arguments, which serves; its address, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "cvzmpi", *arguments],
        cwd=directory,
        env=environment(**variables),
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


@contextmanager
def served(directory, *options, token=SECRET):
    """The dashboard of the campaign in a directory; its address."""
    arguments = ("serve", "--port", "0", *options)
    with serving(directory, *arguments, **{SERVE_TOKEN: token}) as (address, process):
        yield address
    assert process.returncode == 0
