"""Run another program for a limited time, and take what it prints."""

from __future__ import annotations

import atexit
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

from cvzmpi.errors import CvzmpiError

_TO_END_SECONDS = 5.0  # that a program has to end, and a launcher to end its ranks
_EXCEPTION = re.compile(r"(?:\w+\.)*\w+(?:Error|Exception|Warning): .*")
_SHOWN = 200  # characters of a message


class ProgramError(CvzmpiError):
    """A program cannot be started, fails, or does not end in time."""


def output_of(
    command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program, and give its standard output.

    Parameters
    ----------
    seconds : float
        After which the program and all that it started in its session are ended.

    Raises
    ------
    ProgramError
        The message is the reason in one line.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"{command[0]}: {error.strerror}") from error
    end = partial(_end, process)
    atexit.register(end)  # this process may be interrupted meanwhile, in another thread
    try:
        output, complaints = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise ProgramError(f"no answer within {seconds:.0f} s") from None
    finally:
        end()
        atexit.unregister(end)
    if process.returncode != 0:
        raise ProgramError(_reason(complaints) or _ending(process.returncode))
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End a program that still runs: a launcher, asked first, ends its ranks."""
    if process.poll() is not None:
        return
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_TO_END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _reason(complaints: str) -> str:
    """The line of a program's complaints that says most: an exception of Python, or the last."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip(" -")]
    exceptions = (line for line in lines if _EXCEPTION.fullmatch(line))
    return next(exceptions, lines[-1] if lines else "")[:_SHOWN]


def _ending(status: int) -> str:
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"exit status {status}"
