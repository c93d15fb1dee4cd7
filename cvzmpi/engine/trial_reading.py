"""Reads an HDF5 file on trial, in another process, before this one opens it.

HDF5 can crash, or never come back, where the structure of a file is damaged. A file that has no
checksum over its structure is therefore read in a process of its own first, as a whole. One process
serves many files; it is started when the first comes, and again when a file has ended it.

What is limited is processor time: a process that waits, for a slow disk or since the whole job is
suspended, is not at fault.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError

CPU_SECONDS = 10.0
"""Processor time that a file may take, hundreds of times what is usual; and a little more for each
MB of it."""

_CPU_SECONDS_PER_MB = 0.1
_PATIENCE = 600
"""Seconds until an answer must be there; a file is not damaged where it is not."""

_STARTS_WITHIN = 120
_SETTLED = 2.0
"""Seconds since the last change of a file from which on the same size and time mean the same."""

_CRASHES = {
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSYS,
    signal.SIGTRAP,
}
_LAUNCHER_VARIABLES = (
    *("OMPI_", "PMIX_", "PMI_", "PRTE_", "SLURM_", "MPI_", "HYDRA_", "FLUX_", "PALS_"),
    *("JSM_", "MV2_"),
)


class DamagedOnTrialError(CvzmpiError):
    """HDF5 cannot read a file: it says so, crashes, or does not come back."""


class TrialFailedError(CvzmpiError):
    """A trial did not come to its end; that says nothing about the file."""


class _DeathError(Exception):
    """The process ended instead of answering; `status` as `subprocess` has it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class TrialReader:
    """Reads files on trial, one after the other. Threads may share it; a forked process may not."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: _Process | None = None
        self._whole: set[tuple[int, ...]] = set()

    def read(self, path: Path) -> None:
        """Read a file on trial. One that was read before, and has not changed since, is whole.

        Raises
        ------
        DamagedOnTrialError
            If it must not be opened.
        TrialFailedError
            If the process does not start, or is killed by somebody.
        OSError
            If the operating system does not let it be read.
        """
        state = path.stat()
        identity = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        is_settled = time.time() - state.st_mtime > _SETTLED
        with self._one_at_a_time:
            if is_settled and identity in self._whole:
                return
            seconds = CPU_SECONDS + state.st_size * 1e-6 * _CPU_SECONDS_PER_MB
            answer = self._ask({"path": os.path.abspath(path), "seconds": seconds}, seconds)
            if "errno" in answer:
                raise OSError(answer["errno"], os.strerror(answer["errno"]), str(path))
            if answer["damage"] is not None:
                self._end()  # what it read may have done harm to it that shows only later
                raise DamagedOnTrialError(answer["damage"])
            if is_settled:
                self._whole.add(identity)

    def end(self) -> None:
        """End the process."""
        with self._one_at_a_time:
            self._end()

    def _ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The answer. Only the death of a new process is the fault of the file before it."""
        while True:
            is_new = self._process is None
            if self._process is None:
                self._process = _Process()
            try:
                return self._process.ask(question)
            except _DeathError as death:
                self._end()
                number = -death.status
                if number != signal.SIGPROF and number not in _CRASHES:
                    raise TrialFailedError(f"the trial ended with status {death.status}") from death
                if is_new:
                    raise DamagedOnTrialError(
                        f"HDF5 does not come back within {seconds:.0f} s"
                        if number == signal.SIGPROF
                        else f"HDF5 crashes ({signal.Signals(number).name})"
                    ) from death
            except BaseException:
                self._end()  # its answer may still come, and would be taken for the next one
                raise

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None


class _Process:
    """A process of `trial_process`."""

    def __init__(self) -> None:
        # The same modules as here, and no rank of the job.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_LAUNCHER_VARIABLES)
        } | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cvzmpi.engine.trial_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._received = b""
        try:
            self._line(_STARTS_WITHIN)
        except _DeathError as death:
            self.end()
            raise TrialFailedError(f"no process for a trial starts ({death.status})") from death
        except BaseException:
            self.end()
            raise

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question.

        Raises
        ------
        _DeathError
        TrialFailedError
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise _DeathError(self._process.wait()) from None
        answer: dict[str, Any] = json.loads(self._line(_PATIENCE))
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):  # a question that it did not live to read
                stream.close()

    def _line(self, seconds: int) -> bytes:
        """Its next line. The seconds that this process is stopped for count as one."""
        assert self._process.stdout is not None
        stream, poll = self._process.stdout.fileno(), select.poll()
        poll.register(stream, select.POLLIN)
        for _ in range(seconds):
            if not poll.poll(1000):
                continue
            received = os.read(stream, 65536)
            if not received:
                raise _DeathError(self._process.wait())
            self._received += received
            line, end, rest = self._received.partition(b"\n")
            if end:
                self._received = rest
                return line
        raise TrialFailedError(f"no answer from a trial within {seconds} s")


@cache
def _reader(process_id: int) -> TrialReader:
    reader = TrialReader()
    atexit.register(reader.end)
    return reader


def read_on_trial(path: Path) -> None:
    """Read a file on trial: see `TrialReader.read`."""
    _reader(os.getpid()).read(path)  # a forked process has its own
