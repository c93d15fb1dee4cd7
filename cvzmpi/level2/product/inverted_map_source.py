"""The results of our own Milne-Eddington inversion, for the writer of the Level 2 product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cvzmpi.level2.inversion import coupling, inversion_file
from cvzmpi.level2.inversion.inversion_file import InvertedMap
from cvzmpi.level2.inversion.stray_light import model_of_pixels
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product.azimuth_frame import AZIMUTH_FRAME
from cvzmpi.level2.product.extensions import Extension
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition, SlitPixels
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS

SPECTRAL_LINE = "FeI630"

_NOTES = (
    f"{inversion_file.MODEL} inversion of Fe I 630.15 and 630.25 nm: one value for all depths.",
    AZIMUTH_FRAME,
    inversion_file.AZIMUTH_NOTE,
    "Velocities are redshifts relative to the lines of the quiet Sun of this map.",
)

# The name of a parameter of the model in the product, and the factor to the unit there.
_TO_PRODUCT = {
    "field_strength": ("mag_strength", 1e-4),
    "velocity": ("velocity", 1.0),
    "inclination": ("mag_inclination", 180 / np.pi),
    "azimuth": ("mag_azimuth", 180 / np.pi),
}


class InvertedMapSource:
    """A `ProductSource`: an inverted map, with the prepared map and the dataset it was made from.

    The maps of the parameters are in memory; the profiles, which are larger by far, are read one
    scan position at a time.
    """

    log_tau = None
    model = inversion_file.MODEL
    notes: Sequence[str] = _NOTES

    def __init__(self, level1: Level1Map, prepared: PreparedMap, inverted: InvertedMap) -> None:
        self.level1 = level1
        self._prepared = prepared
        self._inverted = inverted
        if inverted.origin.coupled:
            self.notes = (*_NOTES, coupling.NOTE)

    @property
    def dataset_ids(self) -> list[str]:
        """The one dataset that was inverted."""
        return [self.level1.inventory["datasetId"]]

    @property
    def slit(self) -> SlitPixels:
        """All pixels of Level 1, as they were binned."""
        return SlitPixels(0, int(self._prepared.record["settings"]["slit_bin"]))

    @property
    def n_steps(self) -> int:
        """The number of scan positions."""
        return self._prepared.shape[0]

    @property
    def commit(self) -> str | None:
        """The version of this software that inverted the map."""
        version = self._inverted.origin.software.get("cvzmpi")
        return None if version is None else f"cvzmpi {version}"

    def position(self, step: int) -> ScanPosition:
        """The results at a scan position."""
        found = self._inverted
        parameters = {name: found.parameters[name][step] for name in PARAMETERS}
        observed = self._prepared.read_profiles((step, slice(None)))
        origin = found.origin
        place = step, slice(0, self._prepared.shape[1])
        model = model_of_pixels(
            self._prepared, origin.settings_json, origin.spectral_profile, place
        )
        fitted = model.stokes(np.stack(list(parameters.values()), axis=1).astype(float))
        profiles = LineProfiles(
            SPECTRAL_LINE,
            self._prepared.wavelength,
            observed.transpose(0, 2, 1),
            fitted.transpose(0, 2, 1),
        )
        return ScanPosition(
            quantities={
                quantity: factor * parameters[name]
                for name, (quantity, factor) in _TO_PRODUCT.items()
            },
            profiles=[profiles],
            uncertainties={
                quantity: factor * found.uncertainties[name][step]
                for name, (quantity, factor) in _TO_PRODUCT.items()
            },
            chi_squared=found.chi_squared[step],
            status=found.status[step],
            more=[
                (Extension(f"Milne-Eddington {name.replace('_', ' ')}", "", unit), values)
                for (name, unit), values in zip(
                    PARAMETERS.items(), parameters.values(), strict=True
                )
                if name not in _TO_PRODUCT
            ],
        )
