"""The extensions of a Level 2 FITS file: their names, types, units and order.

The names, unified content descriptors and units of quantities and profiles are those of DKIST's own
Level 2 files, and so is the order: the quantities, then for each line its profiles as observed and
as fitted. Uncertainties, the quality of the fit and further results follow.
"""

from __future__ import annotations

from dataclasses import dataclass

from cvzmpi.level2.inversion.inverted_datasets import (
    CALCIUM_NOTE,
    COMPONENTS_NOTE,
    WEAK_FIELD_NOTE,
)
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.pixels.quality_in_words import meaning_of


@dataclass(frozen=True)
class Extension:
    """The name, type and unit of an extension."""

    name: str  # EXTNAME
    kind: str  # BTYPE, a unified content descriptor
    unit: str = ""  # BUNIT
    description: str = ""  # COMMENT
    # of values that are sums of bits: FLAG0, the bit of 1, and so on; name and meaning of each
    flags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ion:
    """The ion of a spectral line, as Level 2 files name it."""

    name: str  # SPECPFIN
    wavelength: float  # in air, nm


def _uncertainty(of: Extension) -> Extension:
    return Extension(f"Uncertainty of {of.name}", f"stat.stdev;{of.kind}", of.unit)


def _limit(of: Extension, which: str, word: str) -> Extension:
    name, kind = f"{which} Limit of {of.name}", f"stat.{word};{of.kind}"
    return Extension(name, kind, of.unit, COMPONENTS_NOTE)


QUANTITIES = {
    "optical_depth": Extension("Log of Optical Depth at 500nm", "phys.absorption.opticalDepth"),
    "temperature": Extension("Temperature", "phys.temperature", "K"),
    "electron_pressure": Extension("Electron Pressure", "phys.electron;phys.pressure", "N/m^2"),
    "microturbulence": Extension("Microturbulence", "phys.veloc.microturb", "km/s"),
    "mag_strength": Extension("Magnetic Field Strength", "phys.magField", "T"),
    "velocity": Extension("Line-of-sight Velocity", "spect.dopplerVeloc", "km/s"),
    "mag_inclination": Extension(
        "Magnetic Field Inclination (w.r.t. line-of-sight)", "phys.magField;pos.angDistance", "deg"
    ),
    "mag_azimuth": Extension(
        "Magnetic Field Azimuth (w.r.t. line-of-sight)", "phys.magField;pos.azimuth", "deg"
    ),
    "geo_height": Extension(
        "Geometric Height above solar surface (tau ~ 1 at 500nm)", "phys.distance", "km"
    ),
    "gas_pressure": Extension("Gas Pressure", "phys.pressure", "N/m^2"),
    "density": Extension("Density", "phys.density", "kg/m^3"),
}
"""The quantities, by their names in `dkist.Inversion`, in the order of the extensions."""

IONS = {
    "FeI630": Ion("Fe I", 630.15),
    "CaII854": Ion("Ca II", 854.209),
    "NaID": Ion("Na I", 589.899),
}
"""The ions of the lines, by the ids of `spectral_lines.KNOWN_LINES`, with the wavelengths that
DKIST's own products give."""

PROFILE_KINDS = {"orig": "Original", "fit": "Fit"}
"""Profiles of a line as observed, and as fitted: the end of their name, and SPECPFTP."""

UNCERTAINTY = "_uncertainty"
"""The end of the name of an uncertainty, after that of its quantity."""

CHI_SQUARED = Extension("Reduced chi squared", "stat.fit.chi2")
STATUS = Extension("Status", "meta.code.status")

QUALITY = Extension(
    "Quality",
    "meta.code.qual",
    description="What is to be known about a pixel: the sum of the bits that FLAGn name.",
    flags=tuple((str(bit.name), meaning_of(bit)) for bit in Quality),
)
N_OUTLIERS = Extension(
    "Number of Outliers",
    "meta.number",
    description="Samples of the Stokes profiles that were left out: spikes and gaps.",
)
SIGNIFICANCE = Extension(
    "Significance of Magnetic Field",
    "stat.snr;phys.magField",
    description="How well the profiles tell a field from none, in standard deviations; a field is "
    "detected from 3 on, and the field strength is 0 where none is.",
)
_WEAK_FIELD = {
    "longitudinal": Extension(
        "Weak-field Longitudinal Magnetic Field",
        "phys.magField",
        "T",
        f"Positive towards the observer. {WEAK_FIELD_NOTE}",
    ),
    "transverse": Extension(
        "Weak-field Transverse Magnetic Field", "phys.magField", "T", WEAK_FIELD_NOTE
    ),
}
WEAK_FIELD = {
    **_WEAK_FIELD,
    **{f"{name}_error": _uncertainty(of) for name, of in _WEAK_FIELD.items()},
}
"""By the names of `weak_field.PRODUCTS`."""

_LONGITUDINAL = Extension(
    "Longitudinal Magnetic Field",
    "phys.magField",
    "T",
    f"Positive towards the observer. {COMPONENTS_NOTE}",
)
_TRANSVERSE = Extension("Transverse Magnetic Field", "phys.magField", "T", COMPONENTS_NOTE)
FIELD_COMPONENTS = {
    "longitudinal": _LONGITUDINAL,
    "longitudinal_error": _uncertainty(_LONGITUDINAL),
    "transverse": _TRANSVERSE,
    "transverse_lower": _limit(_TRANSVERSE, "Lower", "min"),
    "transverse_upper": _limit(_TRANSVERSE, "Upper", "max"),
    "strength_lower": _limit(QUANTITIES["mag_strength"], "Lower", "min"),
    "strength_upper": _limit(QUANTITIES["mag_strength"], "Upper", "max"),
}
"""By the names of `field_components.COMPONENTS`."""

_CALCIUM = {
    f"{part}/longitudinal": Extension(
        f"Weak-field Longitudinal Magnetic Field, {title}",
        "phys.magField",
        "T",
        f"Positive towards the observer. {CALCIUM_NOTE}",
    )
    for part, title in (("core", "Core"), ("wing", "Wings"))
}
CALCIUM = {
    **_CALCIUM,
    **{f"{name}_error": _uncertainty(of) for name, of in _CALCIUM.items()},
}
"""Of maps of Ca II 854.2 nm, by the names of `calcium.PRODUCTS`."""


def profile(line: str, kind: str) -> Extension:
    """The extension of the profiles of a line; the kind is one of `PROFILE_KINDS`."""
    return Extension(f"{IONS[line].name} Profile {PROFILE_KINDS[kind]}", "spect.line.profile")


def uncertainty(quantity: str) -> Extension:
    """The extension of the standard deviation of a quantity."""
    return _uncertainty(QUANTITIES[quantity])
