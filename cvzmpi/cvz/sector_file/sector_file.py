"""The sector file `{tic}_{sector}.h5`: what is in it, and how it survives a kill at any instant.

A file is born, and goes from one checkpoint to the next, as a whole: it is written beside, and
takes its name only when it is complete. Only the recoveries are written in place, many times, into
room that is there from checkpoint `model` on: see `recovery_writer`. Checksums over everything tell
a damaged file when it is read: see `sector_file_checks`, and `engine.structure_checksum` for what
HDF5 itself relies on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.injection.injection import Injections
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.sector_file.checks import (
    CHECKSUM,
    check_content,
    check_parts,
    content_checksum,
    opened,
)
from cvzmpi.cvz.sector_file.layout import FORMAT, FORMAT_VERSION, MARKS, WRITTEN_IN_PLACE, fill
from cvzmpi.errors import MachineError, SectorFileError, one_line
from cvzmpi.storage.checkpoint_file import write_whole
from cvzmpi.storage.hdf5_file import check_format
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image

STAGES = ("download", "detect", "model", "inject")
"""The stages of a light curve, in order; the attribute `checkpoint` names the last one done."""


def claim_path(path: Path) -> Path:
    """The file of the claim on a light curve is beside its sector file."""
    return path.with_suffix(".claim")


def sector_files(directory: Path) -> dict[LightCurveId, Path]:
    """The sector files that are in an output directory, each where `LightCurveId.path` has it."""
    found = {}
    for path in sorted(directory.glob("[0-9][0-9][0-9]/*_*.h5")):
        light_curve = LightCurveId.parse(path.stem)
        if light_curve is not None and path == light_curve.path(directory):
            found[light_curve] = path
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
    marks : str or None
        Names of the quality marks when the file was written, separated by commas; None in files
        of versions that had no marks. Products find them anew: see `quality_marks`.
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
    marks: str | None = None


@dataclass(frozen=True)
class Progress:
    """How far a sector file is, and of which light curve it says to be."""

    tic: int
    sector: int
    checkpoint: str
    n_inject: int
    n_inject_remaining: int
    config_json: str
    models_checksum: str

    @property
    def id(self) -> LightCurveId:
        """Of which light curve it says to be."""
        return LightCurveId(self.tic, self.sector)

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


def read_progress(path: Path) -> Progress | None:
    """How far a file is; None where there is none. Reads little of it, and verifies no values.

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
    with opened(path) as file:
        check_format(path, file, FORMAT, FORMAT_VERSION, SectorFileError)
        check_parts(path, file)
        attributes = file.attrs
        json.loads(attributes["config"])
        n_inject = n_remaining = 0
        if "recoveries" in file:
            n_inject = len(file["recoveries/recovered"])
            n_remaining = int(file["recoveries"].attrs["n_inject_remaining"])
        return Progress(
            tic=int(attributes["tic"]),
            sector=int(attributes["sector"]),
            checkpoint=attributes["checkpoint"],
            n_inject=n_inject,
            n_inject_remaining=n_remaining,
            config_json=attributes["config"],
            models_checksum=attributes["models_sha256"],
        )


def read_progress_by_name(path: Path) -> Progress | None:
    """How far the file of a light curve is, which must be the one that the file is named after.

    Raises
    ------
    DamagedFileError
        As `read_progress`.
    SectorFileError
        As `read_progress`, and if it is the file of another light curve.
    """
    progress = read_progress(path)
    if progress is not None and path.stem != progress.id.name:
        raise SectorFileError(
            f"{path}: is of TIC {progress.tic} in sector {progress.sector}, says its content"
        )
    return progress


def verify(path: Path) -> None:
    """Check a whole file: everything that `read` checks before a light curve goes on.

    Raises
    ------
    DamagedFileError
        If the file is unreadable or inconsistent, or a value differs from its checksum.
    """
    with opened(path) as file:
        check_parts(path, file)
        check_content(path, file)


def read(path: Path) -> SectorData:
    """Read a file back, but for the recoveries.

    Raises
    ------
    DamagedFileError
        If the file is unreadable or inconsistent, or a value differs from its checksum.
    """
    verify(path)
    with opened(path) as file:
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
            marks=attributes.get(MARKS),
        )
        if "injections" in file:
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
