"""The datasets of an inverted map, with their types and units."""

from __future__ import annotations

import h5py

from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS

DIAGNOSTICS = {
    "chi_squared": ("<f4", "per degree of freedom"),
    "n_iterations": ("<i4", "1"),
    "status": ("u1", "0 not begun, 1 converged, 2 not converged, 3 unusable"),
}
# Not in the maps that earlier versions began.
LATER_DIAGNOSTICS = {
    "quality": ("<u2", "bits: see flag_masks and flag_meanings"),
    "n_outliers": ("<i4", "samples that were left out: spikes and gaps"),
}

# What earlier versions did not write: a file that one of them began stays without it.
SIGNIFICANCE = "field_significance"
OF_THE_FIELD = {
    SIGNIFICANCE: "sigma; a field is detected from 3 on",
    **{f"weak_field/{name}": "G" for name in PRODUCTS},
}
WEAK_FIELD_NOTE = (
    "By the weak-field approximation, of the whole pixel. At 400 G good to 8 % along the line of "
    "sight and to 16 % across, below 100 G to 1.5 %."
)


def names_of_parameters() -> list[str]:
    """Names of the datasets of the parameters and of their uncertainties."""
    return [f"{group}/{name}" for group in ("parameters", "uncertainties") for name in PARAMETERS]


def later_in(file: h5py.File) -> list[str]:
    """The later diagnostics that a file has."""
    return [name for name in LATER_DIAGNOSTICS if name in file]
