"""The inversion of a map as a job does it, in this process, and what it found."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from cvzmpi.level2.inversion.map_inversion import Tools, invert_map
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control


@dataclass(frozen=True)
class Found:
    """An inverted map, its pixels in one row."""

    parameters: np.ndarray  # float64, shape (n, n_parameters)
    uncertainties: np.ndarray  # float64, shape (n, n_parameters)
    chi_squared: np.ndarray  # float64, shape (n,); per degree of freedom
    n_iterations: np.ndarray  # int, shape (n,)
    status: np.ndarray  # uint8, shape (n,)
    significance: np.ndarray  # float64, shape (n,); of the field, in sigma
    quality: np.ndarray  # int, shape (n,); bits, 0 if nothing is odd
    cpu: float  # seconds of processor time

    @property
    def rate(self) -> float:
        """Pixels a second of one core."""
        return len(self.status) / self.cpu


def invert(prepared: Path, settings: InversionSettings, n: int | None = None) -> Found:
    """Invert a prepared map; the inverted one lies beside it and is removed again.

    Parameters
    ----------
    n : int, optional
        The results are those of the first `n` pixels; the processor time is that of all.
    """
    path = prepared.with_name("bench.inverted.h5")
    tools = Tools(settings, software={}, checkpoint_interval=1e9, fsync=False)
    control = Control(StopRequest(), lambda steps: None)
    start = time.process_time()
    invert_map(tools, prepared, path, Team.alone(), control)
    cpu = time.process_time() - start
    try:
        return _read(path, cpu, n)
    finally:
        path.unlink()


def _read(path: Path, cpu: float, n: int | None) -> Found:
    with h5py.File(path) as file:
        n_all = file["status"].size

        def group(name: str) -> np.ndarray:
            columns = [file[name][parameter][()].ravel() for parameter in PARAMETERS]
            return np.stack(columns, axis=1).astype(float)[:n]

        def dataset(name: str) -> np.ndarray:
            return file[name][()].ravel()[:n]

        return Found(
            parameters=group("parameters"),
            uncertainties=group("uncertainties"),
            chi_squared=dataset("chi_squared").astype(float),
            n_iterations=dataset("n_iterations"),
            status=dataset("status"),
            significance=dataset("field_significance").astype(float),
            quality=dataset("quality"),
            cpu=cpu * len(dataset("status")) / n_all,
        )
