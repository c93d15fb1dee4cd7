"""A sector file summed up: its row of the index, and its flares, in a fraction of a millisecond.

A campaign has 200,000 files. h5py's own objects cost some 50 us for each attribute and dataset,
and 60 of them are read here; HDF5's calls beneath cost 5 us. Nothing else reads files like this.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t, string_dtype

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.detection.flares import at_edge
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.quality.search_time import search_time
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.sector_file.checks import CHECKSUM, check_on_trial
from cvzmpi.cvz.sector_file.layout import FORMAT, FORMAT_VERSION
from cvzmpi.cvz.sector_file.sector_file import STAGES, SectorData
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.errors import CvzmpiError, SectorFileError, one_line
from cvzmpi.storage.hdf5_file import ForeignFileError, NotOpenedError, ensure_sound

# What HDF5 and h5py raise when they read a file whose parts do not fit together.
_DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)

_LIGHT_CURVE = {
    "time": "f8",
    "flux": "f4",
    "flux_err": "f4",
    "quality": "i4",
    "flare_probability": "f4",
    "flare_mask": "?",
}

_TEXTS = (CHECKSUM, "config_sha256", "models_sha256", "software")

_SECONDS = tuple(f"seconds_{stage}" for stage in STAGES)


class UnreadableError(CvzmpiError):
    """A file has no place in the index. `kind` says why in one word, the message in a line."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Summary:
    """What the index has about a sector file.

    Attributes
    ----------
    light_curve : dict
        By column of `columns.LIGHT_CURVES`, but for what is known about the file from outside.
    flares : dict of ndarray, shape (n_flares,)
        By column of `columns.FLARES`.
    """

    light_curve: dict[str, Any]
    flares: dict[str, np.ndarray]


def summarise(path: Path) -> Summary:
    """Sum a sector file up. It may be written to while it is read.

    Raises
    ------
    UnreadableError
        If it is no sector file, or unreadable, or inconsistent.
    """
    try:
        ensure_sound(path, check_on_trial)
        with _File(path) as file:
            return _summary(file)
    except ForeignFileError as error:
        raise UnreadableError("foreign", str(error)) from error
    except NotOpenedError as error:
        raise UnreadableError("unreadable", str(error)) from error
    except OSError as error:
        if error.errno is not None:
            raise UnreadableError("unreadable", os.strerror(error.errno)) from error
        raise UnreadableError("unreadable", one_line(error)) from error
    except SectorFileError as error:
        raise UnreadableError("unusable", one_line(error)) from error
    except _DAMAGES as error:
        raise UnreadableError("damaged", one_line(error)) from error


class _File:
    """An HDF5 file through HDF5's own calls."""

    def __init__(self, path: Path) -> None:
        self._file = h5f.open(os.fsencode(path), h5f.ACC_RDONLY, _access())

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def attributes(self, group: str) -> _Attributes:
        return _Attributes(h5g.open(self._file, group.encode()))

    def dataset(self, name: str, dtype: str) -> np.ndarray:
        """All values; HDF5 converts them, or refuses."""
        try:
            dataset = h5d.open(self._file, name.encode())
        except KeyError as error:
            raise UnreadableError("damaged", f"there is no {name}") from error
        values = np.empty(dataset.shape, dtype)
        if values.size:
            dataset.read(h5s.ALL, h5s.ALL, values, _memory_type(dtype))
        return values


@cache
def _access() -> Any:
    """How files are opened: without a lock, for jobs may be writing."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    access.set_file_locking(False, True)
    return access


class _Attributes:
    """The attributes of a group, as plain values; what there is not, is an error."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __contains__(self, name: str) -> bool:
        return h5a.exists(self._group, name.encode())

    def number(self, name: str) -> float:
        return self._read(name, np.empty((), "f8"), h5t.NATIVE_DOUBLE)

    def integer(self, name: str) -> int:
        return self._read(name, np.empty((), "i8"), h5t.NATIVE_INT64)

    def flag(self, name: str) -> bool:
        return self._read(name, np.empty((), "?"), _memory_type("?"))

    def text(self, name: str) -> str:
        value = self._read(name, np.empty((), object), _TEXT)
        return value.decode() if isinstance(value, bytes) else value

    def _read(self, name: str, buffer: np.ndarray, memory_type: Any) -> Any:
        try:
            attribute = h5a.open(self._group, name.encode())
        except KeyError as error:
            raise UnreadableError("damaged", f"there is no attribute {name}") from error
        attribute.read(buffer, memory_type)
        return buffer.item()


_TEXT = h5t.py_create(string_dtype())


@cache
def _memory_type(dtype: str) -> Any:
    """HDF5's type of an array; to make it anew each time costs as much as a small dataset."""
    return h5t.py_create(np.dtype(dtype))


def _summary(file: _File) -> Summary:
    root = file.attributes("/")
    if "format" not in root or root.text("format") != FORMAT:
        raise UnreadableError("foreign", f"not a {FORMAT}")
    if (version := root.integer("format_version")) != FORMAT_VERSION:
        raise UnreadableError("foreign", f"format version {version}, expected {FORMAT_VERSION}")
    checkpoint = root.text("checkpoint")
    timed = [name for name in _SECONDS if name in root]
    row = {
        "tic": root.integer("tic"),
        "sector": root.integer("sector"),
        "state": "unfinished",
        "checkpoint": checkpoint,
        "exposure": root.number("exposure"),
        "seed": root.integer("seed"),
        **{name: root.text(name) for name in _TEXTS},
        **{name: root.number(name) for name in timed},
    }
    header, config = json.loads(root.text("header")), json.loads(root.text("config"))
    row |= star_facts(header)
    data = _light_curve(file, root, header)
    row |= _searched(data, config)
    flares = _no_flares()
    if checkpoint == "model":
        flares = data.flares = _flares(file)
        durations = flares["equivalent_duration"]
        if len(durations):
            row["largest_flare"] = float(durations.max())
        process = _gaussian_process(file, data)
        row |= process | _recoveries(file)
        data.gp_facts = process
    elif checkpoint != "detect":
        raise UnreadableError("damaged", f"its checkpoint is {checkpoint!r}")
    row["marks"] = marks_text(quality_marks(data, config))
    edge = at_edge(data.probability, flares["start"], flares["stop"])
    return Summary(row, flares | {"at_edge": edge})


def _flares(file: _File) -> dict[str, np.ndarray]:
    """The table of flares; most stars have none, and then one column says so."""
    n_flares = len(file.dataset("flares/peak", "i4"))
    if not n_flares:
        return _no_flares()
    flares = {n: file.dataset(f"flares/{n}", dtype) for n, (dtype, _) in FLARE_COLUMNS.items()}
    if {len(values) for values in flares.values()} != {n_flares}:
        raise UnreadableError("damaged", "columns of the flares differ in length")
    return flares


def _gaussian_process(file: _File, data: SectorData) -> dict[str, Any]:
    """The facts of the fit; what it says of the light curve goes to the data."""
    attributes = file.attributes("lc")
    kernel = attributes.text("gp_kernel")
    if kernel not in KERNELS:
        raise UnreadableError("damaged", f"unknown kernel {kernel!r}")
    data.gp_mu = file.dataset("lc/gp_mu", "f4")
    if len(data.gp_mu) != len(data.probability):
        raise UnreadableError("damaged", "datasets of the light curve differ in length")
    numbers = ("log_likelihood", *KERNELS[kernel].parameters, "jitter", "mean")
    return {
        "gp_kernel": kernel,
        "gp_converged": attributes.flag("gp_converged"),
        "gp_n_evaluations": attributes.integer("gp_n_evaluations"),
        **{f"gp_{name}": attributes.number(f"gp_{name}") for name in numbers},
    }


def _light_curve(file: _File, root: _Attributes, header: dict[str, Any]) -> SectorData:
    """The light curve and what the detector said of it."""
    lc = {name: file.dataset(f"lc/{name}", dtype) for name, dtype in _LIGHT_CURVE.items()}
    if len({len(values) for values in lc.values()}) != 1:
        raise UnreadableError("damaged", "datasets of the light curve differ in length")
    light_curve = LightCurve(
        tic=root.integer("tic"),
        sector=root.integer("sector"),
        time=lc["time"],
        flux=lc["flux"],
        flux_err=lc["flux_err"],
        quality=lc["quality"],
        exposure=root.number("exposure") / 86400.0,
        header=header,
    )
    return SectorData(light_curve, lc["flare_probability"], lc["flare_mask"])


def _searched(data: SectorData, config: dict[str, Any]) -> dict[str, Any]:
    """For how long the light curve was searched."""
    time = search_time(data, config["light_curve.quality_bitmask"], config["detect.merge_gap"])
    return {
        "n_cadences": data.light_curve.n_cadences,
        "n_evaluated": int(np.isfinite(data.probability).sum()),
        "n_flaring": int(data.flare_mask.sum()),
        "observed_time": time.searched,
    }


def _recoveries(file: _File) -> dict[str, Any]:
    """The injections so far. The count is read first: a job that writes can only lower it."""
    n_remaining = file.attributes("recoveries").integer("n_inject_remaining")
    recovered = file.dataset("recoveries/recovered", "?")
    n_inject, n_repeat = recovered.shape
    if not 0 <= n_remaining <= n_inject:
        raise UnreadableError("damaged", f"{n_remaining} of {n_inject} injections remain")
    n_done = n_inject - n_remaining
    row = {
        "state": "unfinished" if n_remaining else "done",
        "n_inject": n_inject,
        "n_repeat": n_repeat,
        "n_inject_remaining": n_remaining,
    }
    if n_done:
        row["recovered_fraction"] = float(recovered[:n_done].mean())
    for size in ("amplitude", "equivalent_duration"):
        values = file.dataset(f"injections/{size}", "f8")
        if len(values) != n_inject:
            raise UnreadableError("damaged", "injections and recoveries do not fit together")
        # Without its interval, which takes twenty times as long as all the rest.
        limit = CompletenessCurve.fit(values[:n_done], recovered[:n_done], n_draws=0).limit(0.5)
        if limit.relation == "=" and n_done:
            row[f"{size}_50"] = limit.value
    return row


def _no_flares() -> dict[str, np.ndarray]:
    return {name: np.empty(0, dtype) for name, (dtype, _) in FLARE_COLUMNS.items()}
