"""Reads an HDF5 file on trial, in another process, before this one opens it.

HDF5 can crash, or never come back, where the structure of a file is damaged. A file that has no
checksum over its structure is therefore read in a process of its own first, as a whole. One
process, started when the first such file comes, serves them all, with a fork for each: see
`trial_process`.

That a file did not crash one process does not say that it crashes no other: what HDF5 finds beyond
its buffers differs from one to the next. So a check should compare what it reads with a checksum of
the content, where there is one.

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
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.mpi.launcher import without_launcher

Check = Callable[[Path], str | None]
"""A function of a module. It reads a file, and raises whatever it likes where that is damaged. It
returns None where it is sound, or why it is refused."""

CPU_SECONDS = 5.0
"""Processor time that a file may take, hundreds of times what is usual; and a little more for each
MB of it."""

_CPU_SECONDS_PER_MB = 0.1
_STARTS_WITHIN = 120
_ANSWERS_WITHIN = 600
"""Seconds; a file is not damaged where there is no answer."""

_SETTLED = 2.0
"""Seconds since the last change of a file from which on the same size and time mean the same."""

_CRASHES = {
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE),
    *(signal.SIGILL, signal.SIGSYS, signal.SIGTRAP),
}


class NotOpenedError(CvzmpiError):
    """A file is not opened with HDF5, for a reason that may say nothing about what is in it."""


class UnsoundFileError(NotOpenedError):
    """HDF5 cannot read it: it is no HDF5 file, or its structure is damaged."""


class ForeignFileError(NotOpenedError):
    """It is none of ours."""


class TrialFailedError(NotOpenedError):
    """A trial did not come to its end; that says nothing about the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"cannot be read: {reason}")


def read_on_trial(path: Path, check: Check) -> None:
    """Read a file on trial: see `TrialReader.read`."""
    _reader(os.getpid()).read(path, check)  # a forked process has its own


class TrialReader:
    """Reads files on trial, one after the other; threads may share it."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: _Process | None = None
        self._sound: set[tuple[str | int, ...]] = set()

    def read(self, path: Path, check: Check) -> None:
        """Read a file on trial. One that was read before, and has not changed since, is sound.

        Raises
        ------
        UnsoundFileError
            If it must not be opened.
        ForeignFileError
            If the check refuses it.
        TrialFailedError
            If the process does not start, or is killed by somebody.
        OSError
            If the operating system does not let it be read.
        """
        state = path.stat()
        name = f"{check.__module__}:{check.__qualname__}"
        identity = (name, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        is_settled = time.time() - state.st_mtime > _SETTLED
        seconds = CPU_SECONDS + state.st_size * 1e-6 * _CPU_SECONDS_PER_MB
        with self._one_at_a_time:
            if is_settled and identity in self._sound:
                return
            answer = self._ask({"path": os.path.abspath(path), "check": name, "seconds": seconds})
            _raise_what_it_says(answer, path, seconds)
            if is_settled:
                self._sound.add(identity)

    def end(self) -> None:
        """End the process."""
        with self._one_at_a_time:
            if self._process is not None:
                self._process.end()
                self._process = None

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            self._process = _Process()
        try:
            return self._process.ask(question)
        except BaseException:
            # Its answer may still come, and would be taken for that to the next question.
            self._process.end()
            self._process = None
            raise


@cache
def _reader(process_id: int) -> TrialReader:
    reader = TrialReader()
    atexit.register(reader.end)
    return reader


def _raise_what_it_says(answer: dict[str, Any], path: Path, seconds: float) -> None:
    if "errno" in answer:
        raise OSError(answer["errno"], os.strerror(answer["errno"]), str(path))
    if "refusal" in answer:
        raise ForeignFileError(answer["refusal"])
    if "damage" in answer:
        raise UnsoundFileError(answer["damage"])
    if "signal" in answer:
        number = signal.Signals(answer["signal"])
        if number == signal.SIGPROF:
            raise UnsoundFileError(f"HDF5 does not come back within {seconds:.0f} s")
        if number in _CRASHES:
            raise UnsoundFileError(f"HDF5 crashes ({number.name})")
        raise TrialFailedError(f"{number.name} ended its trial")


class _Process:
    """A process of `trial_process`."""

    def __init__(self) -> None:
        # The same modules as here, and no rank of the job.
        modules = os.pathsep.join(path for path in sys.path if path)
        environment = without_launcher() | {"PYTHONPATH": modules}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cvzmpi.storage.trial_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._received = b""
        try:
            self._line(_STARTS_WITHIN)
        except BaseException:
            self.end()
            raise

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error
        answer: dict[str, Any] = json.loads(self._line(_ANSWERS_WITHIN))
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
                raise self._ended()
            self._received += received
            line, end, rest = self._received.partition(b"\n")
            if end:
                self._received = rest
                return line
        raise TrialFailedError(f"no answer from its trial within {seconds} s")

    def _ended(self) -> TrialFailedError:
        return TrialFailedError(f"its trial ended with status {self._process.wait()}")
