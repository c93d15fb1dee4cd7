"""The datasets of an inverted map, with their types and units."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from cvzmpi.level2.maps.map_file import writing
from cvzmpi.level2.pixels import calcium
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.weak_field import PRODUCTS
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.storage.structure_checksum import whole_image
from cvzmpi.storage.whole_file import write_whole


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
LATER_DIAGNOSTICS = QUALITY | OF_THE_FIELD
"""What earlier versions did not write: a file that one of them began stays without it."""

WEAK_FIELD_MODEL = "weak-field approximation"
OF_CALCIUM = {
    **{name: Kind("<f4", units, np.nan) for name, units in calcium.PRODUCTS.items()},
    "status": DIAGNOSTICS["status"],
    **QUALITY,
}
"""The datasets of a map of Ca II 854.2 nm, in which nothing is inverted."""

CALCIUM_NOTE = (
    "By the weak-field approximation of Ca II 854.2 nm, along the line of sight. The core, within "
    "25 pm, is good to some 1200 G (Centeno 2018, ApJ 866, 89); wings: 50 to 150 pm."
)

WEAK_FIELD_NOTE = (
    "By the weak-field approximation, of the whole pixel. At 400 G good to 8 % along the line of "
    "sight and to 16 % across, below 100 G to 1.5 %."
)


def names_of_parameters() -> list[str]:
    """Names of the datasets of the parameters and of their uncertainties."""
    return [f"{group}/{name}" for group in ("parameters", "uncertainties") for name in PARAMETERS]


def datasets_in(file: h5py.File) -> list[str]:
    """Names of the datasets that a file has, or must have."""
    if file.attrs["model"] == WEAK_FIELD_MODEL:
        return list(OF_CALCIUM)
    return [*diagnostics_in(file), *names_of_parameters()]


def diagnostics_in(file: h5py.File) -> list[str]:
    """Names of the diagnostics that a file has, or must have."""
    later = [group for group in (QUALITY, OF_THE_FIELD) if any(name in file for name in group)]
    return [*DIAGNOSTICS, *(name for group in later for name in group)]


def name_the_bits(quality: h5py.Dataset) -> None:
    """Name bits as the conventions for climate and forecast metadata (CF, section 3.5) have it."""
    quality.attrs["flag_masks"] = np.array([bit.value for bit in Quality], "<u2")
    quality.attrs["flag_meanings"] = " ".join(str(bit.name).lower() for bit in Quality)


def write_new(path: Path, file: h5py.File, fsync: bool) -> None:
    """Write a file without results, which was made in memory, as a whole.

    Raises
    ------
    MapFileError
    """
    content = whole_image(file, [*datasets_in(file), "n_tickets_remaining"])
    with writing(path):
        write_whole(path, content, fsync)
