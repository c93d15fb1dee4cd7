"""A process that reads HDF5 files on trial: a file that crashes HDF5 ends a copy of it only.

It is started as `python -m cvzmpi.storage.trial_process` by `trial_reading`. It writes a line when
ready, and then answers each line of its input, a JSON object, with another. It ends with its input.

A question has the `path` of a file, the `check` to be made, as `module:function`, and the `seconds`
of processor time that it may take. Each is answered by a fork of this process, so that no file
sees what another left in memory. The answer has one of `sound`, `damage`, `refusal`, `errno`, and
`signal`: that which ended the fork.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from cvzmpi.errors import one_line
from cvzmpi.mpi.launch import pin_to_one_core
from cvzmpi.mpi.library import keep_mpi_from_starting

_MEMORY = 1 << 30
"""Bytes that reading may take beside what the process has, and twice the size of the file."""


def main() -> None:
    """Answer until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)  # signals to a whole job say nothing about a file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pin_to_one_core()  # no threads: they would not be in the forks
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    keep_mpi_from_starting()  # h5py imports it, and this is no rank
    print("ready", file=answers)
    for line in sys.stdin:
        question = json.loads(line)
        module, _, function = question["check"].partition(":")
        check = getattr(import_module(module), function)
        print(_of_a_fork(lambda: _answer(check, question)), file=answers)  # noqa: B023


def _of_a_fork(answer: Callable[[], dict[str, Any]]) -> str:
    """The answer of a fork of this process, or the signal that ended it."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        os.write(writing, json.dumps(answer()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        return json.dumps({"signal": os.WTERMSIG(status)})
    return text


def _answer(check: Callable[[Path], str | None], question: dict[str, Any]) -> dict[str, Any]:
    path = Path(question["path"])
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])
    signal.setitimer(signal.ITIMER_PROF, question["seconds"])
    try:
        _limit_memory(path.stat().st_size)
        refusal = check(path)
    except Exception as error:  # whatever it is, who asks would meet it as well
        if isinstance(error, OSError) and error.errno is not None:
            return {"errno": error.errno}
        return {"damage": one_line(error).removeprefix(f"{path}: ")}
    return {"sound": True} if refusal is None else {"refusal": refusal}


def _limit_memory(size: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * resource.getpagesize() + _MEMORY + 2 * size
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


if __name__ == "__main__":
    main()
