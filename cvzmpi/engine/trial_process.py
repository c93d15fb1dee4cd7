"""A process that reads HDF5 files on trial: one that HDF5 cannot stand ends this process only.

Started as `python -m cvzmpi.engine.trial_process`; see `trial_reading`. It writes a line when it is
ready, and then answers each line of its input, a JSON object with the `path` of a file and the
`seconds` of processor time that it may take, with another: `damage`, or null; or `errno`, where the
operating system does not let the file be read. It ends with its input.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import one_line

if TYPE_CHECKING:
    import h5py

_BLOCK = 1 << 26
"""Bytes of a dataset that are read at a time, at most."""

_MEMORY = 1 << 30
"""Bytes that reading may take beside what the process has, and twice the size of the file."""


def main() -> None:
    """Answer until the input ends."""
    _leave_signals_to_the_parent()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    import mpi4py

    mpi4py.rc(initialize=False, finalize=False)  # h5py imports it
    import h5py  # noqa: F401  # before the first file, which may take so long itself

    print("ready", file=answers)
    for line in sys.stdin:
        question = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, question["seconds"])
        answer = _answer(Path(question["path"]))
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(answer), file=answers)


def _leave_signals_to_the_parent() -> None:
    """Signals to a whole job say nothing about a file; only the limit of time ends this process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPROF])


def _answer(path: Path) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        _limit_memory(size)
        _read(path, size)
    except OSError as error:
        if error.errno is not None:
            return {"errno": error.errno}
        return {"damage": one_line(error)}
    except Exception as error:  # whatever it is, the parent would meet it as well
        return {"damage": one_line(error)}
    return {"damage": None}


def _limit_memory(size: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * resource.getpagesize() + _MEMORY + 2 * size
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def _read(path: Path, size: int) -> None:
    """Read everything: links, attributes and values."""
    import h5py

    with h5py.File(path, "r", locking=False) as file:

        def visit(name: str, thing: h5py.Group | h5py.Dataset) -> None:
            _read_attributes(thing, size)
            if isinstance(thing, h5py.Dataset):
                _read_values(thing, size)
            else:
                for key in thing:
                    thing.get(key, getlink=True)

        visit("/", file)
        file.visititems(visit)


def _read_attributes(thing: h5py.Group | h5py.Dataset, size: int) -> None:
    for name in thing.attrs:
        attribute = thing.attrs.get_id(name)
        if math.prod(attribute.shape) * attribute.dtype.itemsize > size:
            raise ValueError(f"attribute {name} is larger than the file")
        thing.attrs[name]


def _read_values(dataset: h5py.Dataset, size: int) -> None:
    shape = dataset.shape
    if shape is None:  # it has no values
        return
    n_bytes = math.prod(shape) * dataset.dtype.itemsize
    if n_bytes > size:
        if dataset.chunks:
            return  # compressed, or never written: none of cvzmpi's
        raise ValueError(f"dataset {dataset.name} is larger than the file")
    if not shape or n_bytes <= _BLOCK:
        dataset[()]
        return
    rows = max(1, _BLOCK * shape[0] // n_bytes)
    for first in range(0, shape[0], rows):
        dataset[first : first + rows]


if __name__ == "__main__":
    main()
