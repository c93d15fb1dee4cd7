"""The results of our own Milne-Eddington inversion, for the writer of the Level 2 product."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from cvzmpi.level2.disambiguation.disambiguation import EXTENSION, Disambiguation
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_file import InvertedMap
from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.neighbours import coupling
from cvzmpi.level2.neighbours.stray_light import ModelOfPixels
from cvzmpi.level2.product import extensions
from cvzmpi.level2.product.azimuth_frame import AZIMUTH_FRAME
from cvzmpi.level2.product.extensions import Extension
from cvzmpi.level2.product.one_map import TESLA_PER_GAUSS, OneMap
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition
from cvzmpi.level2.settings import DisambiguationMethod
from cvzmpi.level2.spectroscopy.line_table import recorded_lines
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, Line

SPECTRAL_LINE = "FeI630"

_ABOUT_VELOCITY = "Velocities are redshifts relative to the lines of the quiet Sun of this map."

_HOW = Extension(EXTENSION, "meta.code")

# The name of a parameter of the model in the product, and the factor to the unit there.
_TO_PRODUCT = {
    "field_strength": ("mag_strength", TESLA_PER_GAUSS),
    "velocity": ("velocity", 1.0),
    "inclination": ("mag_inclination", 180 / np.pi),
    "azimuth": ("mag_azimuth", 180 / np.pi),
}


def notes_of(
    attempt: Disambiguation | None, coupled: bool, lines: Sequence[Line] = FE_I_630
) -> tuple[str, ...]:
    """Remarks on a map, with what became of the ambiguity of its azimuth."""
    of_lines = " and ".join(f"{line.wavelength:.2f}" for line in lines)
    element = "Fe I " if tuple(lines) == FE_I_630 else "the lines at "
    about_model = (
        f"{inversion_file.MODEL} inversion of {element}{of_lines} nm: one value for all depths."
    )
    of_azimuth = inversion_file.AZIMUTH_NOTE if attempt is None else attempt.note
    notes = (about_model, AZIMUTH_FRAME, of_azimuth, _ABOUT_VELOCITY)
    return (*notes, coupling.NOTE) if coupled else notes


class InvertedMapSource(OneMap):
    """A `ProductSource`: an inverted map, with the prepared map and the dataset it was made from.

    The maps of the parameters are in memory; the profiles, which are larger by far, are read one
    scan position at a time.

    Parameters
    ----------
    method : str, optional
        The method that resolves the 180-degree ambiguity of the azimuth; without it, none does.
    """

    log_tau = None
    model = inversion_file.MODEL

    def __init__(
        self,
        level1: Level1Map,
        prepared: PreparedMap,
        inverted: InvertedMap,
        method: DisambiguationMethod | None = None,
    ) -> None:
        super().__init__(level1, prepared, inverted.origin)
        self._method = method
        self._inverted = inverted

    @property
    def notes(self) -> Sequence[str]:
        """Remarks for people who use the product."""
        lines = recorded_lines(json.loads(self._origin.settings_json))
        return notes_of(self.disambiguation, self._origin.coupled, lines)

    @property
    def cards(self) -> Mapping[str, str]:
        """How the ambiguity of the azimuth was resolved, if that was asked for."""
        return {} if self.disambiguation is None else self.disambiguation.cards

    @cached_property
    def disambiguation(self) -> Disambiguation | None:
        """The attempt to resolve the ambiguity of the azimuth, if there is to be one."""
        if self._method is None:
            return None
        headers = self.level1.headers()[: self.n_steps]
        return Disambiguation.of(self._method, self._inverted, headers, self.slit.n_binned)

    def position(self, step: int) -> ScanPosition:
        """The results at a scan position."""
        found = self._inverted
        parameters = {name: found.parameters[name][step] for name in PARAMETERS}
        observed = self._prepared.read_profiles((step, slice(None)))
        model = self._model.at((step, slice(0, self._prepared.shape[1])))
        fitted = model.stokes(np.stack(list(parameters.values()), axis=1).astype(float))
        profiles = LineProfiles(
            SPECTRAL_LINE,
            self._prepared.wavelength,
            observed.transpose(0, 2, 1),
            fitted.transpose(0, 2, 1),
        )
        quantities = {
            quantity: factor * parameters[name] for name, (quantity, factor) in _TO_PRODUCT.items()
        }
        more = [*_of_the_model(parameters), *_of_trust(found, step)]
        if self.disambiguation is not None and self.disambiguation.resolved is not None:
            here = self.disambiguation.resolved.at(step)
            quantities["mag_azimuth"] = here.azimuth(quantities["mag_azimuth"])
            more.append((_HOW, here.how))
        return ScanPosition(
            quantities=quantities,
            profiles=[profiles],
            uncertainties={
                quantity: factor * found.uncertainties[name][step]
                for name, (quantity, factor) in _TO_PRODUCT.items()
            },
            chi_squared=found.chi_squared[step],
            status=found.status[step],
            more=more,
        )

    @cached_property
    def _model(self) -> ModelOfPixels:
        settings_json, profile = self._origin.settings_json, self._origin.spectral_profile
        return ModelOfPixels.of(self._prepared, settings_json, profile)


def _of_the_model(parameters: Mapping[str, np.ndarray]) -> Iterator[tuple[Extension, np.ndarray]]:
    """The parameters that are no quantities of Level 2."""
    for name, unit in PARAMETERS.items():
        if name not in _TO_PRODUCT:
            yield Extension(f"Milne-Eddington {name.replace('_', ' ')}", "", unit), parameters[name]


def _of_trust(found: InvertedMap, step: int) -> Iterator[tuple[Extension, np.ndarray]]:
    """Quality, detection, and the field of the weak-field approximation.

    A map that an earlier version began lacks them, or some.
    """
    if found.n_outliers is not None:
        yield extensions.QUALITY, found.quality[step]
        yield extensions.N_OUTLIERS, found.n_outliers[step]
    if found.field_significance is not None:
        yield extensions.SIGNIFICANCE, found.field_significance[step]
    for group, of_group in (
        (found.weak_field, extensions.WEAK_FIELD),
        (found.field_components, extensions.FIELD_COMPONENTS),
    ):
        for name, extension in of_group.items():
            if name in group:
                yield extension, TESLA_PER_GAUSS * group[name][step]
