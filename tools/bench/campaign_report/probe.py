"""Make a report, and say what that took on each rank; under mpirun.

python -m tools.bench.campaign_report.probe RESULTS REPORT     as `cvzmpi report`
"""
# ruff: noqa: E402

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from cvzmpi.mpi.launch import World, pin_to_one_core

pin_to_one_core()
WORLD = World.start()
WORLD.communicator.Barrier()
WALL, CPU = time.perf_counter(), time.process_time()

# The command imports it too, and so it is timed.
from cvzmpi.cvz.results.report.site import write_site

results, report = map(Path, sys.argv[1:])
write_site(results, report, WORLD, 200)
seconds = {"wall": time.perf_counter() - WALL, "cpu": time.process_time() - CPU}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
ranks = WORLD.communicator.gather(seconds | {"megabytes": memory})
if ranks is not None:
    print(json.dumps(ranks))
