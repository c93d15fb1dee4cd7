"""The datasets of an inverted map, with their types and units."""

from __future__ import annotations

from typing import NamedTuple

import h5py
import numpy as np

from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS


class Kind(NamedTuple):
    """What a dataset is made of."""

    dtype: str
    units: str
    before: float = 0  # of pixels that are not begun


DIAGNOSTICS = {
    "chi_squared": Kind("<f4", "per degree of freedom"),
    "n_iterations": Kind("<i4", "1"),
    "status": Kind("u1", "0 not begun, 1 converged, 2 not converged, 3 unusable"),
}
SIGNIFICANCE = "field_significance"
QUALITY = {
    "quality": Kind("<u2", "bits: see flag_masks and flag_meanings"),
    "n_outliers": Kind("<i4", "samples that were left out: spikes and gaps"),
}
OF_THE_FIELD = {
    SIGNIFICANCE: Kind("<f4", "sigma; a field is detected from 3 on", np.nan),
    **{f"weak_field/{name}": Kind("<f4", "G", np.nan) for name in PRODUCTS},
}
SWEEP = "sweep"
OF_SWEEPS = {SWEEP: Kind("u1", "the last sweep in which the pixel was drawn to its neighbours")}
"""What only spatially coupled maps have."""

LATER_DIAGNOSTICS = QUALITY | OF_THE_FIELD
"""What earlier versions did not write: a file that one of them began stays without it."""

WEAK_FIELD_NOTE = (
    "By the weak-field approximation, of the whole pixel. At 400 G good to 8 % along the line of "
    "sight and to 16 % across, below 100 G to 1.5 %."
)


_RESULT, _OTHER = "parameters", "parameters_of_other_sweeps"


def group_of_sweep(sweep: int, n_sweeps: int) -> str:
    """The group with the parameters of a sweep; 0 is the inversion of each pixel by itself.

    Two groups take turns, since a sweep needs what the one before has found; the last of them all
    is written into `parameters`.
    """
    return _OTHER if (n_sweeps - sweep) % 2 else _RESULT


def n_sweeps_of(file: h5py.File) -> int:
    """The number of sweeps that a map takes."""
    return int(file.attrs.get("n_sweeps", 0))


def names_of_parameters(n_sweeps: int = 0) -> list[str]:
    """Names of the datasets of the parameters and of their uncertainties."""
    groups = [_RESULT, "uncertainties", *([_OTHER] if n_sweeps else [])]
    return [f"{group}/{name}" for group in groups for name in PARAMETERS]


def diagnostics_in(file: h5py.File) -> list[str]:
    """Names of the diagnostics that a file has, or must have."""
    groups = QUALITY, OF_THE_FIELD, OF_SWEEPS
    later = [group for group in groups if any(name in file for name in group)]
    return [*DIAGNOSTICS, *(name for group in later for name in group)]
