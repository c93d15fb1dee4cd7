"""Single bits flipped in a sector file: what comes of each.

    python -m tools.torture.flipped_bits FILE --flips 1000 --seed 1
    python -m tools.torture.flipped_bits FILE --bit 2075:2 --old

Each bit is flipped in a copy, which is then read as a job, `cvzmpi verify` and `cvzmpi index` do.
Prints JSON: how often a flip was found as `damaged`, the file was `refused`, or all that is read is
`right`; the `crashes` and `hangs` of HDF5 that other processes stood, the slowest flip in seconds,
and the flips after which something else is read: there must be none. Exit status 1 if there are.

A crash of this process, or no end of it, is what must not happen.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import mpi4py

mpi4py.rc(initialize=False, finalize=False)  # this process is no rank

import click  # noqa: E402
import numpy as np  # noqa: E402

from cvzmpi.cvz.results.index.summary import UnreadableError, summarise  # noqa: E402
from cvzmpi.cvz.sector_file.layout import ANSWERS  # noqa: E402
from cvzmpi.cvz.sector_file.reading import read_progress_by_name, verify_sector_file  # noqa: E402
from cvzmpi.errors import DamagedFileError, SectorFileError  # noqa: E402
from cvzmpi.runtime.command_line import HELP_OPTIONS  # noqa: E402
from cvzmpi.storage import trial_reading  # noqa: E402
from tools.harness.hdf5_content import bits, values  # noqa: E402
from tools.harness.old_sector_file import without_record  # noqa: E402


@click.command(context_settings=HELP_OPTIONS)
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--flips", default=0, help="So many at random.")
@click.option("--below", type=int, help="Only in so many bytes at the beginning of the file.")
@click.option("--seed", default=1, show_default=True)
@click.option("--bit", "named", multiple=True, help="BYTE:BIT, in addition.")
@click.option("--old", is_flag=True, help="As earlier versions wrote the file.")
@click.option(
    "--limit",
    default=trial_reading.CPU_SECONDS,
    show_default=True,
    help="Processor time on trial, in s.",
)
def main(
    file: Path,
    flips: int,
    below: int | None,
    seed: int,
    named: tuple[str, ...],
    old: bool,
    limit: float,
) -> None:
    """Flip single bits of a sector file, and say what came of it."""
    content = file.read_bytes()
    if old:
        content = without_record(content)
    trial_reading.CPU_SECONDS = limit
    chance = random.Random(seed)
    chosen = [(int(byte), int(bit)) for byte, _, bit in (text.partition(":") for text in named)]
    size = min(below or len(content), len(content))
    chosen += [(chance.randrange(size), chance.randrange(8)) for _ in range(flips)]
    with tempfile.TemporaryDirectory(prefix="cvzmpi-flips-") as directory:
        found = flip(content, chosen, Path(directory) / file.name, old)
    click.echo(json.dumps(found))
    sys.exit(bool(found["wrong"]))


def flip(content: bytes, chosen: list[tuple[int, int]], path: Path, is_old: bool) -> dict[str, Any]:
    """Flip each bit in turn in a file at `path`; what came of it."""
    path.write_bytes(content)
    whole = values(path)
    counts: Counter[str] = Counter()
    slowest, wrong = 0.0, []
    for byte, bit in chosen:
        changed = bytearray(content)
        changed[byte] ^= 1 << bit
        path.write_bytes(changed)
        begun = time.perf_counter()
        outcome, said = _outcome(path, whole, is_old)
        slowest = max(slowest, time.perf_counter() - begun)
        counts[outcome] += 1
        counts["crashes"] += "HDF5 crashes" in said
        counts["hangs"] += "does not come back" in said
        if outcome == "wrong":
            wrong.append(f"bit {bit} of byte {byte}: {said}")
    names = ("damaged", "refused", "right", "crashes", "hangs")
    slowest = round(slowest, 2)
    return {name: counts[name] for name in names} | {"slowest": slowest, "wrong": wrong}


def _outcome(path: Path, whole: dict[str, np.ndarray], is_old: bool) -> tuple[str, str]:
    try:
        summarise(path)
    except UnreadableError:
        is_in_index = False
    else:
        is_in_index = True
    try:
        progress = read_progress_by_name(path)
        verify_sector_file(path)
    except DamagedFileError as error:
        return "damaged", str(error)
    except SectorFileError as error:
        return "refused", str(error)
    assert progress is not None
    different = _different(values(path), whole, is_old)
    if different:
        return "wrong", f"{', '.join(different)} differs"
    return ("right", "") if is_in_index else ("wrong", "not in the index")


def _different(
    ours: dict[str, np.ndarray], whole: dict[str, np.ndarray], is_old: bool
) -> list[str]:
    """The values that are read and differ from those that were written.

    The count of what remains may be higher: then what it no longer vouches for is done again. The
    seconds that the injections took so far are the only number that nothing vouches for; in old
    files, those of all stages.
    """
    count = "recoveries@n_inject_remaining"
    names = {name for name in whole if not name.startswith("@seconds_")} - {count}
    if not is_old:
        names |= whole.keys() & {"@seconds_download", "@seconds_detect", "@seconds_model"}
    if missing := (ours.keys() ^ whole.keys()) & names:
        return sorted(missing)
    if count in whole:
        if ours[count] < whole[count]:
            return [count]
        n_done = len(ours["recoveries/recovered"]) - int(ours[count])
        rows = {f"recoveries/{name}" for name in (*ANSWERS, "checksum")} & whole.keys()
        if any(bits(ours[name][:n_done]) != bits(whole[name][:n_done]) for name in rows):
            return sorted(rows)
        names -= rows
    return [name for name in sorted(names) if bits(ours[name]) != bits(whole[name])]


if __name__ == "__main__":
    main()
