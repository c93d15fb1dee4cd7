"""Read a sector file: how far it is, its data, or everything; whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np

from cvzmpi.cvz.light_curves.light_curve import identity_of, named
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.checks import (
    check_content,
    check_on_trial,
    check_parts,
    format_difference,
)
from cvzmpi.cvz.sector_file.data import Provenance, Recovery, SectorData, SectorProgress
from cvzmpi.cvz.sector_file.layout import ANSWERS, FORMAT_VERSION
from cvzmpi.cvz.sector_file.open_file import OpenSectorFile
from cvzmpi.cvz.sector_file.writing import as_stored
from cvzmpi.errors import DamagedFileError, SectorFileError
from cvzmpi.storage.hdf5_file import opened_hdf5
from cvzmpi.storage.whole_file import is_there

T = TypeVar("T", bound="SectorContent")


@dataclass(frozen=True)
class SectorContent(SectorProgress):
    """Everything in a sector file, done or not; nothing stays open."""

    path: Path | None  # None where it is in memory only
    config_hash: str
    seed: int
    software: dict[str, str]  # versions, by name
    data: SectorData  # the arrays, one entry for each row of the light curve
    recovery: Recovery | None  # injected flares that are done; None before checkpoint `model`

    @classmethod
    def read(cls: type[T], path: Path) -> T:
        """Read a sector file; also while a job is writing it.

        Raises
        ------
        SectorFileError
            If there is no such file, or it is unreadable or not a sector file.
        """
        if not is_there(path, SectorFileError):
            raise SectorFileError(f"{path}: no such sector file")
        with _opened(path) as file:
            progress, opened = _progress(path, file), OpenSectorFile(file.id)
            check_content(path, file)
            data = _data(file)
            # A job may be writing: what this count vouches for is in the rows that are read now.
            n_done = progress.n_inject - progress.n_inject_remaining
            return cls(
                **vars(progress),
                path=path,
                config_hash=opened.root.text("config_sha256"),
                seed=opened.root.integer("seed"),
                software=json.loads(opened.root.text("software")),
                data=data,
                recovery=_recovery(_answers(opened, data), data, n_done),
            )

    @classmethod
    def in_memory(
        cls: type[T],
        data: SectorData,
        provenance: Provenance,
        answers: Sequence[np.ndarray] = (),
        n_done: int = 0,
    ) -> T:
        """What reading the sector file of these data would give, without a file.

        Parameters
        ----------
        answers : sequence of ndarray, shape (n_inject, n_repeat) each
            Whether each injected flare was found, by each search in the order of `layout.ANSWERS`.
        n_done : int
            Injected flares that were searched for: the first of them.
        """
        kept = as_stored(data)
        n_inject = 0 if kept.injections is None else len(kept.injections.amplitude)
        return cls(
            tic=kept.light_curve.tic,
            sector=kept.light_curve.sector,
            product=kept.light_curve.id.product,
            format_version=FORMAT_VERSION,
            checkpoint=kept.checkpoint,
            n_inject=n_inject,
            n_inject_remaining=n_inject - n_done,
            config_json=provenance.config_json,
            models_checksum=provenance.models_checksum,
            path=None,
            config_hash=provenance.config_hash,
            seed=provenance.seed,
            software=dict(provenance.software),
            data=kept,
            recovery=_recovery(answers, kept, n_done),
        )

    @property
    def name(self) -> str:
        """The light curve in words."""
        return named(self.tic, self.sector, self.header)

    @property
    def described(self) -> str:
        """The file, or the light curve where it is in memory, as messages say it."""
        if self.path is not None:
            return str(self.path)
        return named(self.tic, self.sector, self.header, " ")

    @property
    def provenance(self) -> Provenance:
        """Everything that it depends on besides the light curve."""
        return Provenance(
            config_json=self.config_json,
            config_hash=self.config_hash,
            seed=self.seed,
            models_checksum=self.models_checksum,
            software=self.software,
        )

    @property
    def header(self) -> Mapping[str, Any]:
        """Facts about star and observation, from the FITS headers."""
        return self.data.light_curve.header

    @cached_property
    def config(self) -> dict[str, Any]:
        """The configuration of the search, by dotted key."""
        return json.loads(self.config_json)

    @property
    def quality_bitmask(self) -> int:
        """Cadences with any of these bits were not used."""
        return int(self.config["light_curve.quality_bitmask"])


def read_progress(path: Path) -> SectorProgress | None:
    """Read the state of a file; None if there is no file. Reads little, and verifies no values.

    Raises
    ------
    DamagedFileError
        If the file is inconsistent or no HDF5.
    SectorFileError
        If it is another kind of file, or the operating system does not let it be read.
    """
    if not is_there(path, SectorFileError):
        return None
    with _opened(path) as file:
        return _progress(path, file)


def read_progress_by_name(path: Path) -> SectorProgress | None:
    """Read the state of a file, which must be of the light curve that the file is named after.

    Raises
    ------
    DamagedFileError
        As `read_progress`.
    SectorFileError
        As `read_progress`, and if it is the file of another light curve.
    """
    progress = read_progress(path)
    if progress is not None and path.stem != progress.id.name:
        raise SectorFileError(f"{path}: is of {progress.id}, says its content")
    return progress


def verify_sector_file(path: Path) -> None:
    """Check a whole file: everything that is checked before a light curve goes on.

    Raises
    ------
    DamagedFileError
        If the file is unreadable or inconsistent, or a value differs from its checksum.
    """
    with _verified(path):
        pass


def read_sector_data(path: Path) -> SectorData:
    """Read everything but the recoveries.

    Raises
    ------
    DamagedFileError
        If the file is unreadable or inconsistent, or a value differs from its checksum.
    """
    with _verified(path) as file:
        return _data(file)


def _opened(path: Path) -> AbstractContextManager[h5py.File]:
    """Open a sector file for reading; every way of being damaged is one error."""
    return opened_hdf5(path, SectorFileError, DamagedFileError, check_on_trial)


@contextmanager
def _verified(path: Path) -> Iterator[h5py.File]:
    """Open a sector file that passes all checks that a light curve needs to go on."""
    with _opened(path) as file:
        check_parts(path, file)
        check_content(path, file)
        yield file


def _progress(path: Path, file: h5py.File) -> SectorProgress:
    if (difference := format_difference(file)) is not None:
        raise SectorFileError(f"{path}: {difference}")
    check_parts(path, file)
    root = OpenSectorFile(file.id).root
    config_json = root.text("config")
    json.loads(config_json)
    n_inject = n_remaining = 0
    if "recoveries" in file:
        n_inject = len(file["recoveries/recovered"])
        n_remaining = int(file["recoveries"].attrs["n_inject_remaining"])
    light_curve = identity_of(
        root.integer("tic"),
        root.integer("sector"),
        json.loads(root.text("header")),
        root.number("exposure"),
    )
    return SectorProgress(
        **light_curve._asdict(),
        format_version=root.integer("format_version"),
        checkpoint=Stage(root.text("checkpoint")),
        n_inject=n_inject,
        n_inject_remaining=n_remaining,
        config_json=config_json,
        models_checksum=root.text("models_sha256"),
    )


def _data(file: h5py.File) -> SectorData:
    opened = OpenSectorFile(file.id)
    data = opened.light_curve()
    if "injections" in file:
        data.gp_facts = dict(file["lc"].attrs)
        opened.add_model(data)
    return data


def _answers(file: OpenSectorFile, data: SectorData) -> list[np.ndarray]:
    """The answers of the searches that the file has; none before checkpoint `model`."""
    if data.injections is None:
        return []
    columns = (file.column_if_made("recoveries", name) for name in ANSWERS)
    return [column for column in columns if column is not None]


def _recovery(answers: Sequence[np.ndarray], data: SectorData, n_done: int) -> Recovery | None:
    if data.injections is None:
        return None
    assert data.equivalent_duration is not None
    stella, significance = [*answers, None][:2]
    assert stella is not None
    return Recovery(
        amplitude=data.injections.amplitude[:n_done],
        fwhm=data.injections.fwhm[:n_done],
        equivalent_duration=data.equivalent_duration[:n_done],
        recovered=stella[:n_done],
        recovered_significance=None if significance is None else significance[:n_done],
        n_inject=len(data.injections.amplitude),
    )
