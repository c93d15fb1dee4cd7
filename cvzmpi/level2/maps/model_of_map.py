"""The model that is fitted to a map, by the settings that its inversion records."""

from __future__ import annotations

import json

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.settings import with_defaults
from cvzmpi.level2.spectroscopy.line_table import recorded_lines
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.spectral_profile import (
    SpectralProfile,
    Transmission,
    UnevenWavelengthsError,
)


def model_of_map(
    prepared: PreparedMap, settings_json: str, spectral_profile: str | None = None
) -> MilneEddington:
    """The model of a map's profiles.

    Parameters
    ----------
    settings_json : str
        Canonical settings of the inversion, also those of an earlier version.
    spectral_profile : str, optional
        The table of the instrument's spectral profile, as `table_as_text` made it, if the settings
        name one.

    Raises
    ------
    MapFileError
        If the map's wavelengths are not evenly spaced, and a spectral profile needs them so.
    """
    settings = json.loads(with_defaults(settings_json))
    try:
        profile = SpectralProfile.of(
            prepared.wavelength,
            settings["spectral_profile_fwhm"],
            settings["macroturbulence"],
            table_from_text(spectral_profile),
        )
    except UnevenWavelengthsError as error:
        raise MapFileError(f"{prepared.path}: {error}") from None
    return MilneEddington(
        prepared.wavelength,
        recorded_lines(settings),
        stray_light=prepared.quiet_profile if settings["fit_filling_factor"] else None,
        spectral_profile=profile,
    )


def table_as_text(table: Transmission | None) -> str | None:
    """A tabulated spectral profile as JSON, for the file of an inverted map."""
    if table is None:
        return None
    return json.dumps([table.offset.tolist(), table.transmission.tolist()])


def table_from_text(text: str | None) -> Transmission | None:
    """The table that `table_as_text` wrote."""
    if text is None:
        return None
    offset, transmission = json.loads(text)
    return Transmission(np.array(offset, float), np.array(transmission, float))
