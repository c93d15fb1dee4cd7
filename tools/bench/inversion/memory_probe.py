"""A process that inverts a map, and says how much memory it has before and at most, in MB."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cvzmpi.mpi.launch import pin_to_one_core

pin_to_one_core()  # before NumPy is imported

from cvzmpi.level2.settings import InversionSettings  # noqa: E402
from tools.bench.inversion.inverted import invert  # noqa: E402


def _peak() -> float:
    """The largest resident memory since the program was started.

    `getrusage` has that of the process that started this one, if it is larger.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    before = _peak()
    invert(Path(sys.argv[1]), InversionSettings())
    print(json.dumps([before, _peak()]))
