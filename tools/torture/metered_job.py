"""The main job as it is, with a meter: what each rank has done that no checkpoint vouches for yet.

The meter is a small file that the process has mapped, so that it survives SIGKILL. It counts the
processor time within the search for injected flares, since the last checkpoint. That is less than
the time by the clock, and no more when the machine is busy: so the promise can be checked exactly.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()  # before NumPy is imported

import numpy as np  # noqa: E402

from cvzmpi.cvz.injection.injection import InjectionSearch  # noqa: E402
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter  # noqa: E402

METER = "CVZMPI_TORTURE_METER"
"""Environment variable with the directory of the meters."""

_UNSAVED, _LONGEST_TICKET = range(2)


class Reading(NamedTuple):
    """Seconds that the meters of a job say."""

    unsaved: float
    """Of whole tickets, of the rank that lost most."""

    longest_ticket: float
    """Of any rank."""


def read_meters(directory: Path) -> Reading:
    """The meters of a job that ended; zeros if no rank began to inject."""
    meters = [np.fromfile(path) for path in directory.iterdir()]
    numbers = np.array([meter for meter in meters if len(meter) == 2]).reshape(-1, 2)
    unsaved, longest = numbers.max(axis=0, initial=0)
    return Reading(float(unsaved), float(longest))


def install(directory: Path) -> None:
    """Put the meter of this process around the search and the checkpoints."""
    meter = np.memmap(directory / str(os.getpid()), float, "w+", shape=2)
    recovered, count_down = InjectionSearch.recovered, RecoveryWriter.count_down

    def metered_recovered(self: InjectionSearch, *arguments: Any) -> np.ndarray:
        start = time.thread_time()
        rows = recovered(self, *arguments)
        ticket = time.thread_time() - start
        meter[_UNSAVED] += ticket
        meter[_LONGEST_TICKET] = max(meter[_LONGEST_TICKET], ticket)
        return rows

    def metered_count_down(self: RecoveryWriter, *arguments: Any) -> None:
        count_down(self, *arguments)
        meter[_UNSAVED] = 0

    InjectionSearch.recovered = metered_recovered  # type: ignore[method-assign]
    RecoveryWriter.count_down = metered_count_down  # type: ignore[method-assign]


if __name__ == "__main__":
    from cvzmpi.cli import main

    install(Path(os.environ[METER]))
    main()
