"""Processes that run `cvzmpi level2 publish`, forked from one that has imported all that it needs.

python -m tests.level2.publication.publishing_process CONFIG LOG

For each line that it reads, it forks one, and prints its process number and, when it has ended, its
exit status; -9 for one that was killed.
"""

import os
import signal
import subprocess
import sys

from cvzmpi.level2.transfers.globus import Globus
from tools.harness.job_process import ROOT, environment


class PublishingProcesses:
    """The process that forks them, as a context."""

    def __init__(self, config, log, **secrets):
        self._forker = subprocess.Popen(
            [sys.executable, "-m", __name__, str(config), str(log)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(**secrets),
        )

    def __enter__(self):
        assert self._forker.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *error):
        self._forker.kill()
        self._forker.communicate()

    def start(self):
        """Start one; its process number."""
        self._forker.stdin.write("\n")
        self._forker.stdin.flush()
        return int(self._forker.stdout.readline())

    def wait(self):
        """The exit status of the one that was started last."""
        return int(self._forker.stdout.readline())


def main(config, log):
    # Here, so that the tests need not wait for these imports.
    import boto3  # noqa: F401
    import dkist  # noqa: F401
    import globus_sdk  # noqa: F401
    import pika  # noqa: F401

    import cvzmpi.level2.commands.programs  # noqa: F401

    Globus.pause = 0.02
    print("ready", flush=True)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(publish(config, log))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def publish(config, log):
    """Run the command; its exit status."""
    from cvzmpi.cli import main as command_line

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.argv = ["cvzmpi", "level2", "publish", "--config", config]
    status = 0
    try:
        command_line()
    except SystemExit as end:
        status = end.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    return status


if __name__ == "__main__":
    main(*sys.argv[1:])
