"""The sector file `{tic}_{sector}.h5`: what is in it, and how it survives a kill at any instant.

A file is born, and goes from one checkpoint to the next, as a whole: it is written beside, and
takes its name only when it is complete. Only the injections are written in place, many times: all
their room is allocated when the file is born anew at checkpoint `model`, and each time rows are
written first, and only when they are flushed the count of what remains is lowered. So a killed job
leaves a count that is at most too high, never rows that the count does not vouch for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import h5py
import numpy as np

from cvzmpi.cvz.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.injection import Injections
from cvzmpi.cvz.light_curve import LightCurve
from cvzmpi.errors import DamagedFileError, SectorFileError, one_line

FORMAT = "cvzmpi sector file"
FORMAT_VERSION = 1
STAGES = ("download", "detect", "model", "inject")
"""The stages of a light curve, in order; the attribute `checkpoint` names the last one done."""

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


# What h5py raises when it reads a file whose parts do not fit together.
_DAMAGES = (AttributeError, KeyError, OSError, OverflowError, RuntimeError, TypeError, ValueError)


def sector_path(directory: Path, tic: int, sector: int) -> Path:
    """Where the file of a light curve is.

    The files are spread over a thousand directories by the last digits of the TIC number, since
    parallel file systems do not like 200,000 files in one; all sectors of a target are together.
    """
    return directory / f"{tic % 1000:03d}" / f"{tic}_{sector}.h5"


def sector_files(directory: Path) -> dict[tuple[int, int], Path]:
    """The files that are in an output directory, by tic and sector."""
    found = {}
    for path in sorted(directory.glob("[0-9][0-9][0-9]/*_*.h5")):
        tic, _, sector = path.stem.partition("_")
        if tic.isdecimal() and sector.isdecimal():
            found[int(tic), int(sector)] = path
    return found


@dataclass(frozen=True)
class Provenance:
    """What a result depends on, kept in every file."""

    config_json: str
    config_hash: str
    seed: int
    models_checksum: str
    software: Mapping[str, str]


@dataclass
class SectorData:
    """The content of a sector file up to a checkpoint.

    Attributes
    ----------
    light_curve : LightCurve
    probability : float32, shape (n_cadences,)
    flare_mask : bool, shape (n_cadences,)
    gp_mu, gp_sigma : float64, shape (n_cadences,), from checkpoint `model` on
        In e-/s.
    gp_facts : dict
        Parameters of the Gaussian process, its likelihood and how the fit ended.
    flares : dict of ndarray, from checkpoint `model` on
    injections : Injections, from checkpoint `model` on
        Their cadences are rows of the light curve.
    equivalent_duration : float64, shape (n_inject,)
        Of the injected flares, in s.
    seconds : dict
        What each stage took.
    """

    light_curve: LightCurve
    probability: np.ndarray
    flare_mask: np.ndarray
    gp_mu: np.ndarray | None = None
    gp_sigma: np.ndarray | None = None
    gp_facts: dict[str, Any] = field(default_factory=dict)
    flares: dict[str, np.ndarray] | None = None
    injections: Injections | None = None
    equivalent_duration: np.ndarray | None = None
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far a sector file is."""

    checkpoint: str
    n_inject: int
    n_inject_remaining: int
    config_json: str
    models_checksum: str

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.checkpoint == "model" and self.n_inject_remaining == 0

    @property
    def steps(self) -> int:
        """Checkpoints and injected flares that are done."""
        return STAGES.index(self.checkpoint) + self.n_inject - self.n_inject_remaining


def write(path: Path, data: SectorData, provenance: Provenance, fsync: bool = True) -> None:
    """Write a whole file beside, and rename it.

    HDF5 makes the file in memory: where a disk is full, it would crash the process.

    Parameters
    ----------
    path : Path
    data : SectorData
    provenance : Provenance
    fsync : bool
        Whether to wait until the file is on disk before it takes its name.

    Raises
    ------
    SectorFileError
        If the file cannot be written; the one that was there is left as it is.
    """
    with h5py.File.in_memory() as file:
        _write_attributes(file, data, provenance)
        _write_light_curve(file, data)
        if data.injections is not None:
            _write_flares(file, data)
            _write_injections(file, data)
        file.flush()
        content = file.id.get_file_image()
    aside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        if fsync:
            _synchronise(aside)
        aside.replace(path)
        if fsync:
            _synchronise(path.parent)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()  # perhaps it filled the disk
        raise SectorFileError(f"{path}: cannot be written: {one_line(error)}") from error


def read_progress(path: Path) -> Progress | None:
    """How far a file is; None where there is none.

    Raises
    ------
    DamagedFileError
        If the file is inconsistent or no HDF5.
    SectorFileError
        If it is another kind of file, or the operating system does not let it be read.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SectorFileError(f"{path}: cannot be read: {error.strerror}") from error
    with _opened(path) as file:
        attributes = file.attrs
        if attributes.get("format") != FORMAT:
            raise SectorFileError(f"{path}: not a {FORMAT}")
        if attributes["format_version"] != FORMAT_VERSION:
            raise SectorFileError(
                f"{path}: format version {attributes['format_version']}, expected {FORMAT_VERSION}"
            )
        _check_consistency(path, file)
        json.loads(attributes["config"])
        n_inject = n_remaining = 0
        if "recoveries" in file:
            n_inject = len(file["recoveries/recovered"])
            n_remaining = int(file["recoveries"].attrs["n_inject_remaining"])
        return Progress(
            checkpoint=attributes["checkpoint"],
            n_inject=n_inject,
            n_inject_remaining=n_remaining,
            config_json=attributes["config"],
            models_checksum=attributes["models_sha256"],
        )


def read(path: Path) -> SectorData:
    """Read a file back, but for the recoveries.

    Raises
    ------
    DamagedFileError
        If the file is unreadable or inconsistent.
    """
    with _opened(path) as file:
        lc = {name: dataset[()] for name, dataset in file["lc"].items()}
        attributes = dict(file.attrs)
        data = SectorData(
            light_curve=LightCurve(
                tic=int(attributes["tic"]),
                sector=int(attributes["sector"]),
                exposure=float(attributes["exposure"]) / 86400.0,
                header=json.loads(attributes["header"]),
                **{name: lc[name] for name in ("time", "flux", "flux_err", "quality")},
            ),
            probability=lc["flare_probability"],
            flare_mask=lc["flare_mask"],
            seconds={
                stage: float(attributes[f"seconds_{stage}"])
                for stage in STAGES
                if f"seconds_{stage}" in attributes
            },
        )
        if "injections" in file:
            _check_shapes(path, file)
            group = file["injections"]
            data.gp_mu, data.gp_sigma = lc["gp_mu"], lc["gp_sigma"]
            data.gp_facts = dict(file["lc"].attrs)
            data.flares = {name: file["flares"][name][()] for name in FLARE_COLUMNS}
            data.equivalent_duration = group["equivalent_duration"][()]
            data.injections = Injections(
                amplitude=group["amplitude"][()],
                fwhm=group["fwhm"][()],
                cadence=group["cadence"][()].astype(np.int64),
                time=group["time"][()],
            )
        return data


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, so that its light curve can start anew.

    Returns
    -------
    Path
        Its new name: `{name}.damaged`, with a number where there are more.
    """
    number = 0
    while True:
        suffix = f".damaged-{number}" if number else ".damaged"
        kept = path.with_name(path.name + suffix)
        if not kept.exists():
            path.rename(kept)
            return kept
        number += 1


class RecoveryWriter:
    """Writes the recoveries into a file at checkpoint `model`, together with the rest of a team.

    Every rank of the team opens it, and closes it.

    Parameters
    ----------
    path : Path
    communicator : MPI communicator, optional
        Of the team, for parallel HDF5; None writes from this process alone.
    fsync : bool
        Whether to wait at each checkpoint until it is on disk.
    """

    def __init__(self, path: Path, communicator: Any | None, fsync: bool = True) -> None:
        self._fsync = fsync
        driver = {} if communicator is None else {"driver": "mpio", "comm": communicator}
        self._path = path
        try:
            self._file = h5py.File(path, "r+", **driver)
        except OSError as error:
            raise SectorFileError(f"{path}: cannot be opened: {one_line(error)}") from error
        self._recovered = self._file["recoveries/recovered"]
        self._group = self._file["recoveries"]

    def __enter__(self) -> RecoveryWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def write_rows(self, flare_ids: slice, recovered: np.ndarray) -> None:
        """Write what this rank found about some flares; the only method that is not collective.

        Raises
        ------
        SectorFileError
        """
        try:
            self._recovered[flare_ids] = recovered
        except OSError as error:
            raise SectorFileError(f"{self._path}: cannot be written: {one_line(error)}") from error

    def count_down(self, n_remaining: int, seconds: float) -> None:
        """Make the rows of all ranks durable, and only then lower the count of what remains.

        Parameters
        ----------
        n_remaining : int
            Flares that remain; the same on all ranks.
        seconds : float
            What the stage has taken so far; the same on all ranks.

        Raises
        ------
        SectorFileError
        """
        try:
            self._flush()
            self._group.attrs.modify("n_inject_remaining", np.int64(n_remaining))
            self._file.attrs.modify("seconds_inject", np.float64(seconds))
            self._flush()
        except OSError as error:
            raise SectorFileError(f"{self._path}: cannot be written: {one_line(error)}") from error

    def _flush(self) -> None:
        self._file.flush()
        if self._fsync:
            _synchronise(self._path)


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
    _dataset(recoveries, "recovered", np.zeros(injections.cadence.shape, bool), "bool")
    recoveries.attrs["n_inject_remaining"] = np.int64(len(injections.amplitude))
    file.attrs["seconds_inject"] = np.float64(0)


def _dataset(group: h5py.Group, name: str, values: np.ndarray, units: str) -> None:
    """A contiguous dataset, written and so allocated at once."""
    group.create_dataset(name, data=values)
    group[name].attrs["units"] = units


def _check_consistency(path: Path, file: h5py.File) -> None:
    """Whether the groups and datasets are those of the checkpoint, and as long as one another."""
    checkpoint = file.attrs["checkpoint"]
    if checkpoint not in {"detect", "model"}:
        raise DamagedFileError(f"{path}: its checkpoint is {checkpoint!r}")
    expected = {"lc": {"time", "flux", "flux_err", "quality", "flare_probability", "flare_mask"}}
    if checkpoint == "model":
        expected["lc"] |= {"gp_mu", "gp_sigma"}
        expected["flares"] = set(FLARE_COLUMNS)
        expected["injections"] = {"amplitude", "fwhm", "equivalent_duration", "cadence", "time"}
        expected["recoveries"] = {"recovered"}
    if set(file) != set(expected) or any(set(file[g]) != expected[g] for g in expected):
        raise DamagedFileError(f"{path}: groups and datasets do not fit its checkpoint")
    if len({dataset.shape for dataset in file["lc"].values()}) != 1:
        raise DamagedFileError(f"{path}: datasets of the light curve differ in length")
    if "recoveries" in file:
        shape = file["recoveries/recovered"].shape
        remaining = file["recoveries"].attrs["n_inject_remaining"]
        if file["injections/cadence"].shape != shape or not 0 <= remaining <= shape[0]:
            raise DamagedFileError(f"{path}: injections and recoveries do not fit together")


def _check_shapes(path: Path, file: h5py.File) -> None:
    """Whether the columns of each table have the same number of rows."""
    n_inject, n_repeat = file["recoveries/recovered"].shape
    flares, injections = file["flares"], file["injections"]
    if (
        len({dataset.shape for dataset in flares.values()}) != 1
        or any(injections[name].shape != (n_inject, n_repeat) for name in ("cadence", "time"))
        or any(
            injections[name].shape != (n_inject,)
            for name in ("amplitude", "fwhm", "equivalent_duration")
        )
    ):
        raise DamagedFileError(f"{path}: columns of flares or injections differ in length")


class _opened:  # noqa: N801
    """`h5py.File(path)` for reading; every way of being damaged is one error.

    What the operating system refuses (it gives a number then) says nothing about the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> h5py.File:
        try:
            self._file = h5py.File(self._path, "r", locking=False)
        except OSError as error:
            self._refuse(error, "unreadable")
        return self._file

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        if isinstance(error, _DAMAGES):
            self._refuse(error, "inconsistent")

    def _refuse(self, error: BaseException, what: str) -> NoReturn:
        if isinstance(error, OSError) and error.errno is not None:
            reason = os.strerror(error.errno)
            raise SectorFileError(f"{self._path}: cannot be read: {reason}") from error
        raise DamagedFileError(f"{self._path}: {what}: {one_line(error)}") from error


def _synchronise(path: Path) -> None:
    """Have the operating system write a file, or a directory's names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
