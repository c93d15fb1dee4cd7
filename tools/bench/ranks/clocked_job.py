"""`cvzmpi run` with clocks around its checkpoints; a program for mpirun, started by `team_rows`.

The arguments are a directory, and then those of `cvzmpi`. Each rank leaves `rank{n}.json` there:
the seconds that it spent on light curves, on what (see `Clocks`), and its peak memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()

from cvzmpi import cli  # noqa: E402
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter  # noqa: E402
from cvzmpi.cvz.work import checkpoints, stages  # noqa: E402
from cvzmpi.mpi.team import Team  # noqa: E402
from tools.bench.measuring.cores import peak_memory  # noqa: E402


class Clocks:
    """Seconds by what they were spent on.

    `work` is a whole light curve. `checkpoint` is all of the sector file: writing it, opening it
    for the recoveries, their rows, the counts, and closing it. `wait` is the time that a rank
    stood still for the others of its team at a checkpoint between injections; at the end of a
    light curve the wait is for the last tickets, with or without a checkpoint, and not in it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._last_agreement = 0.0

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its time added to `name`."""

        def clocked(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - start

        return clocked

    def install(self) -> None:
        """Put the clocks into the running program."""
        stages.work_on_light_curve = self.around("work", stages.work_on_light_curve)
        checkpoints.write_sector_file = self.around("checkpoint", checkpoints.write_sector_file)
        for name in ("__init__", "__exit__", "write_rows"):
            method = self.around("checkpoint", getattr(RecoveryWriter, name))
            setattr(RecoveryWriter, name, method)
        agree, count_down = Team.agree, self.around("checkpoint", RecoveryWriter.count_down)

        def clocked_agree(*args: Any) -> None:
            start = time.perf_counter()
            try:
                agree(*args)
            finally:
                self._last_agreement = time.perf_counter() - start

        def clocked_count_down(writer: RecoveryWriter, n_remaining: int, seconds: float) -> None:
            if n_remaining > 0:
                self.seconds["wait"] += self._last_agreement
                self.seconds["checkpoints_between"] += 1
            count_down(writer, n_remaining, seconds)

        Team.agree = clocked_agree  # type: ignore[assignment,method-assign]
        RecoveryWriter.count_down = clocked_count_down  # type: ignore[assignment,method-assign]


def main(directory: Path, arguments: list[str]) -> None:
    """Run, then write down what this rank saw."""
    from mpi4py import MPI

    clocks = Clocks()
    clocks.install()
    sys.argv = ["cvzmpi", *arguments]
    try:
        cli.main()
    finally:
        facts = clocks.seconds | {"bytes": peak_memory()}
        (directory / f"rank{MPI.COMM_WORLD.rank}.json").write_text(json.dumps(facts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
