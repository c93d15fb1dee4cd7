"""Write a sector file `{tic}_{sector}.h5` so that a kill at any instant leaves a whole one.

A file is born, and goes from one checkpoint to the next, as a whole: it is written beside, and
takes its name only when it is complete. Only the recoveries are written in place, many times, into
room that is there from checkpoint `model` on: see `recovery_writer`. Checksums over everything tell
a damaged file when it is read: see `checks`, and `storage.structure_checksum` for what HDF5 itself
relies on.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.cvz.sector_file.data import Columns, Provenance, SectorData
from cvzmpi.cvz.sector_file.layout import (
    FORMAT,
    FORMAT_VERSION,
    LAYOUTS,
    MARKS,
    WRITTEN_IN_PLACE,
)
from cvzmpi.errors import MachineError, SectorFileError, one_line
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image
from cvzmpi.storage.whole_file import write_whole


def write_sector_file(
    path: Path, data: SectorData, provenance: Provenance, fsync: bool = True
) -> None:
    """Write a whole file beside, and rename it; with `fsync`, once it is on disk.

    HDF5 makes the file in memory: where a disk is full, it would crash the process.

    Raises
    ------
    MachineError
        If the output directory is gone; it is not made anew, since a disk may come back there.
    SectorFileError
        If the file cannot be written; the one that was there is left as it is.
    """
    output = path.parent.parent
    if not output.is_dir():
        raise MachineError(f"{output}: is gone while the job runs")
    with new_in_memory() as file:
        fill(file, data, provenance)
        file.attrs[CHECKSUM] = content_checksum(file)
        content = whole_image(file, WRITTEN_IN_PLACE if data.injections is not None else ())
    try:
        write_whole(path, content, fsync)
    except OSError as error:
        raise SectorFileError(f"{path}: cannot be written: {one_line(error)}") from error


def fill(file: h5py.File, data: SectorData, provenance: Provenance) -> None:
    """Write into an empty file all that there is at the checkpoint of the data."""
    _write_attributes(file, data, provenance)
    layout = LAYOUTS[FORMAT_VERSION][data.checkpoint]
    for table, columns in _stored_columns(data).items():
        group = file.create_group(table)
        if table == "lc":
            group.attrs.update(data.gp_facts)
        for name, values in columns.items():
            # contiguous, written and so allocated at once
            group.create_dataset(name, data=values)
            group[name].attrs["units"] = layout[table][name].unit
    if data.injections is not None:
        file["recoveries"].attrs["n_inject_remaining"] = np.int64(len(data.injections.amplitude))
        file.attrs["seconds_inject"] = np.float64(0)


def as_stored(data: SectorData) -> SectorData:
    """The data as a file keeps them: what reading the file would give, without the file."""
    curve, stored = data.light_curve, _stored_columns(data)
    kept = SectorData.at_detect(
        stored["lc"],
        dict(data.seconds),
        data.marks,
        tic=curve.tic,
        sector=curve.sector,
        exposure=curve.exposure_seconds / SECONDS_PER_DAY,
        header=dict(curve.header),
    )
    if data.injections is not None:
        kept.gp_facts = dict(data.gp_facts)
        kept.add_model(stored["lc"], stored["flares"], stored["injections"])
        kept.mirror_events = stored["mirror_events"]
        kept.noise_raised = stored["templates"]["noise_raised"]
    return kept


def _stored_columns(data: SectorData) -> dict[str, Columns]:
    """The columns of all tables that there are, by table, each of the type that a file has."""
    values = data.tables()
    return {
        table: {
            name: np.asarray(values[table][name], column.dtype) for name, column in columns.items()
        }
        for table, columns in LAYOUTS[FORMAT_VERSION][data.checkpoint].items()
    }


def _write_attributes(file: h5py.File, data: SectorData, provenance: Provenance) -> None:
    light_curve = data.light_curve
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["checkpoint"] = data.checkpoint.value
    file.attrs["tic"] = light_curve.tic
    file.attrs["sector"] = light_curve.sector
    file.attrs["exposure"] = light_curve.exposure_seconds
    file.attrs["header"] = json.dumps(light_curve.header)
    for name, value in light_curve.header.items():
        file.attrs[name] = value
    file.attrs["config"] = provenance.config_json
    file.attrs["config_sha256"] = provenance.config_hash
    file.attrs["seed"] = provenance.seed
    file.attrs["models_sha256"] = provenance.models_checksum
    file.attrs["software"] = json.dumps(provenance.software)
    if data.marks is not None:
        file.attrs[MARKS] = data.marks
    for stage, seconds in data.seconds.items():
        file.attrs[f"seconds_{stage}"] = seconds
