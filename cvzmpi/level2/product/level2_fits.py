"""The Level 2 FITS file of a scan position: quantities, profiles and their fits.

The first extensions have the names, types and units of DKIST's own Level 2 files, as far as a
Milne-Eddington inversion has the quantities: nothing depends on depth, and there is no temperature.
Uncertainties, the quality of the fit and the other parameters follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.errors import Level1Error
from cvzmpi.level2.inversion.inversion_file import AZIMUTH_NOTE, MODEL
from cvzmpi.level2.maps.map_scale import spatial_axes
from cvzmpi.level2.product.extensions import Extension

_FROM_LEVEL1 = (
    *("DATE-BEG", "DATE-END", "DATE-AVG", "DATEREF", "TELAPSE", "TIMESYS"),
    *("ORIGIN", "TELESCOP", "OBSRVTRY", "NETWORK", "INSTRUME", "OBJECT"),
    *("OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z", "OBS_VR", "SPECSYS", "VELOSYS"),
    *("TAZIMUTH", "ELEV_ANG", "TELTRACK", "TTBLANGL", "TTBLTRCK", "AO_LOCK", "ATMOS_R0"),
    *("LIGHTLVL", "DSHEALTH", "EXPER_ID", "PROP_ID", "DSP_ID", "IP_ID", "OBSPR_ID"),
    *("FIDO_CFG", "OCS_CTRL", "HLSVERS", "DKISTVER", "SOLARNET"),
)
_VELOCITY_NOTE = "Velocities are redshifts relative to the lines of the quiet Sun of this map."


QUANTITIES = {
    "mag_strength": Extension("Magnetic Field Strength", "phys.magField", "T"),
    "velocity": Extension("Line-of-sight Velocity", "spect.dopplerVeloc", "km/s"),
    "mag_inclination": Extension(
        "Magnetic Field Inclination (w.r.t. line-of-sight)", "phys.magField;pos.angDistance", "deg"
    ),
    "mag_azimuth": Extension(
        "Magnetic Field Azimuth (w.r.t. line-of-sight)", "phys.magField;pos.azimuth", "deg"
    ),
}
"""The extensions of the quantities, by their names in `dkist.Inversion`."""

PROFILES = {
    "FeI630_orig": Extension("Fe I Profile Original", "spect.line.profile"),
    "FeI630_fit": Extension("Fe I Profile Fit", "spect.line.profile"),
}

FIRST_EXTENSION = 1
"""The number of the first quantity's extension; the profiles follow the quantities."""


def extension_number(name: str) -> int:
    """The number of the extension of a quantity or a profile."""
    return FIRST_EXTENSION + [*QUANTITIES, *PROFILES].index(name)


@dataclass(frozen=True)
class ScanPosition:
    """The results at a scan position."""

    # mapping of float arrays, shape (n_slit,); by the names of `QUANTITIES`, in the units of the
    # extensions
    quantities: Mapping[str, np.ndarray]
    # mapping of float arrays, shape (n_slit, n_wavelengths, 4); by the names of `PROFILES`
    profiles: Mapping[str, np.ndarray]
    # sequence of (Extension, array of shape (n_slit,))
    more: Sequence[tuple[Extension, np.ndarray]]


@dataclass(frozen=True)
class Frame:
    """The place and time of a scan position, and the relation of its pixels to those of Level 1."""

    header: Mapping[str, Any]  # the header of Stokes I of Level 1
    slit_bin: int  # pixels of Level 1 in a pixel of Level 2
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm, equally spaced


def file_name(inversion_id: str, header: Mapping[str, Any]) -> str:
    """The name of the file of a scan position, with a time of fixed width.

    Parameters
    ----------
    inversion_id : str
        As `inv.PUYATW`.
    header : mapping
        With DATE-BEG.
    """
    begin = begin_of(header)
    stamp = begin.strftime("%Y_%m_%dT%H_%M_%S_") + f"{begin.microsecond // 1000:03d}"
    return f"INV_{inversion_id.removeprefix('inv.')}_{stamp}_L2.fits"


def begin_of(header: Mapping[str, Any]) -> datetime:
    """The beginning of a scan position: DATE-BEG of its header."""
    text = str(header["DATE-BEG"])
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise Level1Error(f"DATE-BEG = {text!r}: expected a time as ISO text") from error


def build(inversion_id: str, frame: Frame, found: ScanPosition, created: datetime) -> fits.HDUList:
    """The FITS file of a scan position, in memory.

    Parameters
    ----------
    created : datetime
        The time in the file, in UTC. The same arguments give the same file.
    """
    units = fits.HDUList([fits.PrimaryHDU(header=_primary_header(inversion_id, frame, created))])
    on_slit = _wcs_cards(frame, with_profiles=False)
    on_spectra = _wcs_cards(frame, with_profiles=True)
    for name, extension in QUANTITIES.items():
        units.append(_image(extension, found.quantities[name][np.newaxis], on_slit))
    for name, extension in PROFILES.items():
        units.append(_image(extension, found.profiles[name][np.newaxis], on_spectra))
    for extension, values in found.more:
        units.append(_image(extension, values[np.newaxis], on_slit))
    for unit in units:
        unit.header["DATE"] = created.strftime("%Y-%m-%dT%H:%M:%S")
        unit.add_checksum(when="", override_datasum=False)
    return units


def _primary_header(inversion_id: str, frame: Frame, created: datetime) -> fits.Header:
    header = fits.Header()
    for key in _FROM_LEVEL1:
        value = frame.header.get(key)
        if value is not None and not np.ma.is_masked(value):
            header[key] = value.item() if isinstance(value, np.generic) else value
    header["LEVEL"] = 2
    header["PROCTYPE"] = "L2"
    header["DSETID"] = inversion_id
    header["FILENAME"] = file_name(inversion_id, frame.header)
    header["INVMODEL"] = (MODEL, "model atmosphere of the inversion")
    header["COMMENT"] = f"{MODEL} inversion of Fe I 630.15 and 630.25 nm: one value for all depths."
    header["COMMENT"] = AZIMUTH_NOTE
    header["COMMENT"] = _VELOCITY_NOTE
    return header


def _image(
    extension: Extension, values: np.ndarray, wcs: Sequence[tuple[str, Any]]
) -> fits.ImageHDU:
    dtype = values.dtype if values.dtype.kind in "iu" else np.float32
    unit = fits.ImageHDU(values.astype(dtype))
    unit.header["EXTNAME"] = extension.name
    unit.header["BTYPE"] = extension.kind
    unit.header["BUNIT"] = extension.unit
    for key, value in wcs:
        unit.header[key] = value
    return unit


def _wcs_cards(frame: Frame, with_profiles: bool) -> list[tuple[str, Any]]:
    """The world coordinates of an extension: those of Level 1, with new spectrum and binning."""
    slit, raster = spatial_axes(frame.header)
    first = 3 if with_profiles else 1
    axes = {slit: first, raster: first + 1}  # of Level 1, and here
    cards: list[tuple[str, Any]] = [
        ("WCSAXES", first + 1),
        ("WCSNAME", "Helioprojective Cartesian"),
    ]
    if with_profiles:
        step = float(np.mean(np.diff(frame.wavelength))) if len(frame.wavelength) > 1 else 1.0
        cards += _linear_axis(1, "STOKES", "", 1.0, 1.0)
        cards += _linear_axis(2, "AWAV", "nm", float(frame.wavelength[0]), step)
    for old, new in axes.items():
        cards += [(f"{key}{new}", frame.header[f"{key}{old}"]) for key in ("CTYPE", "CUNIT")]
        reference = float(frame.header[f"CRPIX{old}"])
        if old == slit:
            reference = (reference - 0.5) / frame.slit_bin + 0.5
        cards.append((f"CRPIX{new}", reference))
        cards += [(f"{key}{new}", float(frame.header[f"{key}{old}"])) for key in ("CRVAL", "CDELT")]
        for other, other_new in axes.items():
            matrix = float(frame.header[f"PC{old}_{other}"])
            scale = frame.slit_bin if other == slit else 1
            cards.append((f"PC{new}_{other_new}", matrix * scale))
    if frame.header.get("LONPOLE") is not None:
        cards.append(("LONPOLE", float(frame.header["LONPOLE"])))
    return cards


def _linear_axis(
    number: int, kind: str, unit: str, first: float, step: float
) -> list[tuple[str, Any]]:
    return [
        (f"CTYPE{number}", kind),
        (f"CUNIT{number}", unit),
        (f"CRPIX{number}", 1.0),
        (f"CRVAL{number}", first),
        (f"CDELT{number}", step),
    ]
