"""The arms of the spectrograph whose spectra can be prepared, and the lines that they are for.

Each arm of ViSP observes a part of the spectrum. NSO's notes on the data of ViSP (DKIST Data Center
Help, "approximate calibration of the wavelength in the 3 arms") give its arms 629.495 to 630.780 nm
at 1.285 pm a pixel and 853.182 to 855.064 nm at 1.882 pm a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvzmpi.level2.settings import PreprocessSettings
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.tellurics import EXPECTED, Telluric
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, FE_I_630, Line

CALCIUM = "CaII854"
"""The name of the arm of Ca II 854.2 nm, in the record of its prepared maps."""

_BESIDE = 0.075  # nm beside the outermost lines of a table that are kept
UNCALIBRATED = 0.09
"""In nm: more is read on each side, since the wavelengths are not calibrated yet."""
_DEFAULTS = PreprocessSettings()


@dataclass(frozen=True)
class Arm:
    """A part of the spectrum that is prepared, by the lines in it; wavelengths in nm, in air."""

    name: str | None  # for the record; None for the iron lines
    lines: tuple[Line, ...]  # they calibrate the wavelengths
    first: float  # the first wavelength that is kept
    last: float
    margin: float = UNCALIBRATED  # so much more is read on each side
    line_width: float = spectral_window.CALIBRATING_WIDTH  # of the cores of the lines
    far: float = spectral_window.FAR_FROM_LINES  # from there on is continuum

    @property
    def origin(self) -> dict[str, object]:
        """What the record of a map says of the arm that its settings do not say."""
        if self.name is None:
            return {}
        return {"arm": self.name, "lines_nm": [line.wavelength for line in self.lines]}

    def is_within(self, wavelength: np.ndarray) -> bool:
        """True if all lines are within observed wavelengths, ascending or descending."""
        ends = sorted((float(wavelength[0]), float(wavelength[-1])))
        return all(ends[0] < line.wavelength < ends[1] for line in self.lines)

    def of_continuum(
        self,
        wavelength: np.ndarray,
        margin: float = 0.0,
        tellurics: Sequence[Telluric] = EXPECTED,
    ) -> np.ndarray:
        """Mask of the wavelengths of the continuum; of Ca II 854.2 nm, of its far wings."""
        return spectral_window.of_continuum(wavelength, self.lines, margin, tellurics, self.far)


def calcium_arm() -> Arm:
    """The arm of Ca II 854.2 nm.

    Its wings reach beyond what the arm observes: what stands for the continuum are the wings more
    than 0.4 nm from the core, where the slope of Stokes I, and so a signal of a field, is small.
    """
    line = CA_II_854.wavelength
    return Arm(
        CALCIUM, (CA_II_854,), line - 0.26, line + 0.26, margin=0.36, line_width=0.03, far=0.4
    )


def arms_of(settings: PreprocessSettings, lines: Sequence[Line] = FE_I_630) -> list[Arm]:
    """The arms that can be prepared, those with the lines of the inversion first.

    The wavelengths of the settings hold for these; the default of the settings is that of the iron
    lines, and of other lines the wavelengths around them are kept.
    """
    ends = settings.first_wavelength, settings.last_wavelength
    if tuple(lines) == FE_I_630:
        return [Arm(None, FE_I_630, *ends), calcium_arm()]
    if ends == (_DEFAULTS.first_wavelength, _DEFAULTS.last_wavelength):
        ends = round(lines[0].wavelength - _BESIDE, 6), round(lines[-1].wavelength + _BESIDE, 6)
    return [Arm("lines", tuple(lines), *ends), calcium_arm()]


def arm_of(wavelength: np.ndarray, arms: Sequence[Arm]) -> Arm:
    """The first arm whose lines were observed; if none were, the first, which the error names."""
    return next((arm for arm in arms if arm.is_within(wavelength)), arms[0])
