"""The layout of a sector file: its groups, datasets and attributes, and how they are filled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS

if TYPE_CHECKING:
    from cvzmpi.cvz.sector_file.sector_file import Provenance, SectorData

FORMAT = "cvzmpi sector file"
FORMAT_VERSION = 1

WRITTEN_IN_PLACE = (
    "recoveries/recovered",
    "recoveries/checksum",
    "recoveries/n_inject_remaining",
    "seconds_inject",
)
"""Datasets and attributes that change while the injections go on; all else is written once."""
MARKS = "quality_marks"
"""Attribute of the file: the names of its quality marks."""

_UNITS = {
    "time": "BTJD d",
    "flux": "e-/s",
    "flux_err": "e-/s",
    "quality": "bit mask",
    "flare_probability": "1",
    "flare_mask": "bool",
    "gp_mu": "e-/s",
    "gp_sigma": "e-/s",
}


def fill(file: h5py.File, data: SectorData, provenance: Provenance) -> None:
    """Write into an empty file all that is there at the checkpoint that the data are at."""
    _write_attributes(file, data, provenance)
    _write_light_curve(file, data)
    if data.injections is not None:
        _write_flares(file, data)
        _write_injections(file, data)


def _write_attributes(file: h5py.File, data: SectorData, provenance: Provenance) -> None:
    light_curve = data.light_curve
    file.attrs["format"] = FORMAT
    file.attrs["format_version"] = FORMAT_VERSION
    file.attrs["checkpoint"] = "detect" if data.injections is None else "model"
    file.attrs["tic"] = light_curve.tic
    file.attrs["sector"] = light_curve.sector
    file.attrs["exposure"] = light_curve.exposure * 86400.0
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


def _write_light_curve(file: h5py.File, data: SectorData) -> None:
    group = file.create_group("lc")
    light_curve = data.light_curve
    columns: dict[str, tuple[Any, str]] = {
        "time": (light_curve.time, "f8"),
        "flux": (light_curve.flux, "f4"),
        "flux_err": (light_curve.flux_err, "f4"),
        "quality": (light_curve.quality, "i4"),
        "flare_probability": (data.probability, "f4"),
        "flare_mask": (data.flare_mask, "bool"),
    }
    if data.gp_mu is not None:
        columns |= {"gp_mu": (data.gp_mu, "f4"), "gp_sigma": (data.gp_sigma, "f4")}
        for name, value in data.gp_facts.items():
            group.attrs[name] = value
    for name, (values, dtype) in columns.items():
        _dataset(group, name, np.asarray(values, dtype), _UNITS[name])


def _write_flares(file: h5py.File, data: SectorData) -> None:
    assert data.flares is not None
    group = file.create_group("flares")
    for name, (dtype, units) in FLARE_COLUMNS.items():
        _dataset(group, name, data.flares[name].astype(dtype), units)


def _write_injections(file: h5py.File, data: SectorData) -> None:
    injections = data.injections
    assert injections is not None
    group = file.create_group("injections")
    _dataset(group, "amplitude", injections.amplitude, "relative to median flux")
    _dataset(group, "fwhm", injections.fwhm, "d")
    _dataset(group, "equivalent_duration", np.asarray(data.equivalent_duration), "s")
    _dataset(group, "cadence", injections.cadence.astype("i4"), "cadence")
    _dataset(group, "time", injections.time, "BTJD d")
    recoveries = file.create_group("recoveries")
    n_inject = len(injections.amplitude)
    _dataset(recoveries, "recovered", np.zeros(injections.cadence.shape, bool), "bool")
    _dataset(recoveries, "checksum", np.zeros(n_inject, "u4"), "CRC-32 of the row")
    recoveries.attrs["n_inject_remaining"] = np.int64(n_inject)
    file.attrs["seconds_inject"] = np.float64(0)


def _dataset(group: h5py.Group, name: str, values: np.ndarray, units: str) -> None:
    """A contiguous dataset, written and so allocated at once."""
    group.create_dataset(name, data=values)
    group[name].attrs["units"] = units
