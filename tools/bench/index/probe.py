"""Update an index, or only merge it, and say what that took on each rank; may be under mpirun.

python -m tools.bench.index.probe OUTPUT          as `cvzmpi index OUTPUT`
python -m tools.bench.index.probe OUTPUT 10       only merge, each row as ten light curves
"""
# ruff: noqa: E402

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cvzmpi.mpi.launch import World, pin_to_one_core

pin_to_one_core()
WORLD = World.start()
WORLD.communicator.Barrier()
WALL, CPU = time.perf_counter(), time.process_time()

# The command imports these too, and so they are timed.
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.merge import merged_tables, write_master
from cvzmpi.cvz.results.index.part import Part, read_part
from cvzmpi.cvz.results.index.pooled_reliability import Pool


def merge(output: Path, times: int) -> dict[str, Any]:
    """Merge the parts, as rank 0 does, as if there were so many times as many light curves."""
    links: list[tuple[int, int, str]] = []

    def parts() -> Iterator[tuple[str, Part]]:
        for path in sorted((output / "index" / "parts").glob("*.part")):
            for number in range(times):
                yield f"{path.stem}-{number}", read_part(path)[0]

    pool = Pool(DEFAULT_SEARCH)
    for name, part in parts():
        pool.add(name, part)
    reliability = pool.estimated()
    elsewhere = output / "merged"
    elsewhere.mkdir()
    with merged_tables(elsewhere, "digest") as add:
        for name, part in parts():
            add(reliability.completed(name, part))
            number = int(name.partition("-")[2])
            columns = (
                part.light_curves[column].to_pylist() for column in ("tic", "sector", "path")
            )
            for tic, sector, target in zip(*columns, strict=True):
                links.append((1000 * tic + number, sector, f"../{target}"))
        write_master(elsewhere / "campaign.h5", sorted(links), "digest")
    return {"n_read": 0, "n_light_curves": len(links)}


output, times = Path(sys.argv[1]), [int(word) for word in sys.argv[2:]]
report = merge(output, *times) if times else asdict(update_index(output, WORLD))
seconds = {"wall": time.perf_counter() - WALL, "cpu": time.process_time() - CPU}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
ranks = WORLD.communicator.gather(seconds | {"megabytes": memory})
if ranks is not None:
    print(json.dumps({"report": report, "ranks": ranks}, default=str))
