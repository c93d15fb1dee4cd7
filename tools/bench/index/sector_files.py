"""A campaign of many small sector files, made from a few that the pipeline wrote."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.storage.structure_checksum import write_record

# Numbers that appear nowhere else in a file, to be replaced by those of each light curve.
_TIC, _SECTOR = 0x3A5C_91E7_66D2_0B41, 0x1F83_D9AB_FB41_BD6B
SECTORS = 10
_FIRST_TIC = 100_000_007


def make_templates(directory: Path, n_cadences: int, n_inject: int) -> list[bytes]:
    """Sector files of three invented stars, as the pipeline writes them."""
    python = [sys.executable, "-m", "cvzmpi"]
    simulate = ["simulate", directory / "input", "--stars", 3, "--cadences", n_cadences]
    run = ["run", "--input", directory / "input", "--output", directory / "output"]
    settings = [f"inject.n_inject={n_inject}", "light_curve.min_usable_cadences=200"]
    run += [word for setting in settings for word in ("--set", setting)]
    for arguments in (simulate, run):
        subprocess.run([*python, *map(str, arguments)], check=True, capture_output=True)
    templates = []
    for path in sector_files(directory / "output").values():
        with h5py.File(path, "r+") as file:
            file.attrs.modify("tic", np.int64(_TIC))
            file.attrs.modify("sector", np.int64(_SECTOR))
        templates.append(path.read_bytes())
    return templates


def write_campaign(output: Path, n_files: int, templates: list[bytes]) -> None:
    """Write so many sector files, ten of each target."""
    units = product(range(n_files // SECTORS), range(1, SECTORS + 1))
    for number, (star, sector) in enumerate(units):
        write_sector_file(output, _FIRST_TIC + star, sector, templates[number % len(templates)])


def write_sector_file(output: Path, tic: int, sector: int, template: bytes) -> Path:
    """Write a template as the file of another light curve."""
    for placeholder, value in ((_TIC, tic), (_SECTOR, sector)):
        old = struct.pack("<q", placeholder)
        assert template.count(old) == 1
        template = template.replace(old, struct.pack("<q", value))
    path = LightCurveId(tic, sector).path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(template)
    write_record(path)
    return path


def change_some(output: Path, n_files: int) -> int:
    """Let some files be older by a second, which is a change; how many."""
    paths = sorted(output.glob("[0-9]*/*.h5"))
    changed = paths[:: max(1, len(paths) // n_files)]
    for path in changed:
        state = path.stat()
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns - 10**9))
    return len(changed)
