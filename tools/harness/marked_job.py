"""A job whose ranks are known by a word of their command line, and that writes a log."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tools.harness.job_process import HANGS_AFTER, wait_until

HEEDS_SIGNALS = ("env", "--default-signal=INT,HUP")
"""A `wrapper` whose job takes these signals, also where this program was told to ignore them."""


@dataclass
class MarkedJob:
    """A running job: its process or mpirun, and an argument that no other process has."""

    process: subprocess.Popen[str]
    mark: str
    log: Path

    def ranks(self) -> list[int]:
        """Process numbers of all ranks, and of mpirun where there is one.

        mpirun gives each rank a process group of its own, and ranks outlive it: so they are known
        by their command line.
        """
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it ended
                if self.mark in entry.read_text(errors="replace").split("\0"):
                    found.append(int(entry.parent.name))
        return sorted(found)

    def kill(self) -> None:
        """SIGKILL to all ranks, and to mpirun; returns when none is left."""

        def none_is_left() -> bool:
            self.signal(signal.SIGKILL)
            return self.has_ended() and not self.ranks()

        wait_until(none_is_left, "the end of killed processes")

    def signal(self, number: int) -> None:
        """Send a signal to all ranks, and to mpirun, at once."""
        for process in self.ranks():
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def has_ended(self) -> bool:
        """True if it is no longer there."""
        return self.process.poll() is not None

    def wait(self, seconds: float = HANGS_AFTER) -> int:
        """The exit status; a job that hangs is a failure."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the job hangs; its log: {self.text()}") from None

    def text(self) -> str:
        """The output so far."""
        return self.log.read_text()

    def lines_with(self, text: str) -> list[str]:
        """The lines of the log that have this text, without date and time."""
        return [line[20:] for line in self.text().splitlines() if text in line]
