"""The contents of the three files of a DeSIRe inversion: what they say about each other.

In all files the last two axes of the arrays are scan and slit, as `astropy` orders them. Before
those, the atmosphere has quantity and depth; the profiles have Stokes parameter and wavelength, the
lines one after another. Two extensions of the profiles say which wavelength belongs to which line,
and how far it is from it. The formats are those that DKIST's own Level 2 system reads
(`NSO.Image.Blanca` and `NSO.Image.Fits.Quantity` of https://github.com/DKISTDC/level2).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.fits_array import FitsArray, read_array
from cvzmpi.level2.desire.quantities import QUANTITIES
from cvzmpi.level2.product.checked_product import ProductError
from cvzmpi.messages.foreign_json import plain

LINES = {23: ("FeI630", 630.15012), 9: ("NaID", 588.995095), 4: ("CaII854", 854.2091)}
"""For a line id of DeSIRe, the line in Level 2 files and its wavelength in air, in nm.

Offsets are from these wavelengths (NIST Atomic Spectra Database). DKIST's own system has 588.95095
for Na I D2, which lacks a digit.
"""

_NM_PER_MILLIANGSTROM = 1e-4
_SAME_SPACING = 5e-5  # of the spacing: five significant digits
_SAME_DEPTH = 1e-3  # of the logarithm of an optical depth
_N_STOKES = 4


@dataclass(frozen=True)
class Arm:
    """A line in the profiles: one arm of the spectrograph."""

    line: str  # a key of `KNOWN_LINES`
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in air, nm, equally spaced
    first: int  # its place among the wavelengths of all lines

    @property
    def place(self) -> slice:
        """Its wavelengths among those of all lines."""
        return slice(self.first, self.first + len(self.wavelength))


@dataclass(frozen=True)
class DesireContents:
    """The arrays of an inversion, which fit each other."""

    atmosphere: FitsArray
    fit: FitsArray
    observed: FitsArray
    arms: tuple[Arm, ...]
    # float64, shape (n_depths,): logarithm of the optical depth at 500 nm, equally spaced
    log_tau: np.ndarray
    n_binned: int  # pixels of Level 1 in a pixel along the slit
    fiducial_arm: int  # the arm of the canonical Level 1 dataset, as its VSPARMID

    @property
    def n_steps(self) -> int:
        """The number of scan positions."""
        return self.atmosphere.shape[2]

    @property
    def n_slit(self) -> int:
        """The number of pixels along the slit."""
        return self.atmosphere.shape[3]


def read_contents(files: DesireFiles) -> DesireContents:
    """Read what the files say about themselves, and compare it.

    Raises
    ------
    ProductError
        Naming the file, what is wrong with it, and what was expected.
    """
    atmosphere = read_array(files.atmosphere)
    fit = read_array(files.fit, n_extensions=2)
    observed = read_array(files.observed, n_extensions=2)
    _check_sizes(atmosphere, fit, observed)
    for number, name in ((0, "wavelength offsets"), (1, "line ids")):
        if not np.array_equal(fit.extensions[number], observed.extensions[number], equal_nan=True):
            raise ProductError(f"{observed.path}: {name} differ from those of {fit.path.name}")
    return DesireContents(
        atmosphere=atmosphere,
        fit=fit,
        observed=observed,
        arms=_arms(fit),
        log_tau=_log_tau(atmosphere),
        n_binned=_whole_number(fit, "DESR-BIN", least=1),
        fiducial_arm=_whole_number(fit, "DESR-FID", least=0),
    )


def _check_sizes(atmosphere: FitsArray, fit: FitsArray, observed: FitsArray) -> None:
    if atmosphere.shape[0] != len(QUANTITIES):
        raise ProductError(
            f"{atmosphere.path}: {atmosphere.shape[0]} quantities: expected {len(QUANTITIES)}"
        )
    if fit.shape[0] != _N_STOKES:
        raise ProductError(f"{fit.path}: {fit.shape[0]} Stokes parameters: expected {_N_STOKES}")
    if observed.shape != fit.shape:
        raise ProductError(
            f"{observed.path}: an array of the shape {observed.shape}, "
            f"{fit.path.name} has {fit.shape}"
        )
    for axis, name in ((2, "scan positions"), (3, "pixels along the slit")):
        if fit.shape[axis] != atmosphere.shape[axis]:
            raise ProductError(
                f"{fit.path}: {fit.shape[axis]} {name}, {atmosphere.path.name} has "
                f"{atmosphere.shape[axis]}"
            )
    if atmosphere.shape[1] < 2:
        raise ProductError(f"{atmosphere.path}: one depth: expected several")


def _whole_number(fit: FitsArray, key: str, least: int) -> int:
    value = fit.header.get(key)
    if value is None:
        raise ProductError(f"{fit.path}: {key} is missing")
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ProductError(
            f"{fit.path}: {key} = {plain(str(value), 80)}: expected a whole number from {least}"
        )
    return value


def _arms(fit: FitsArray) -> tuple[Arm, ...]:
    offsets, ids = fit.extensions
    for values, name in ((offsets, "wavelength offsets"), (ids, "line ids")):
        if len(values) != fit.shape[1]:
            raise ProductError(
                f"{fit.path}: {len(values)} {name}, and {fit.shape[1]} wavelengths of the profiles"
            )
    arms: list[Arm] = []
    first = 0
    for number, same in groupby(ids.tolist()):
        n = len(list(same))
        if number not in LINES:
            known = ", ".join(f"{known} ({line})" for known, (line, _) in LINES.items())
            raise ProductError(f"{fit.path}: line id {number:g} is not known; known: {known}")
        line, centre = LINES[int(number)]
        if any(arm.line == line for arm in arms):
            raise ProductError(f"{fit.path}: line id {number:g} ({line}) has two parts")
        spaced = _equally_spaced(fit.path, line, offsets[first : first + n])
        arms.append(Arm(line, centre + _NM_PER_MILLIANGSTROM * spaced, first))
        first += n
    return tuple(arms)


def _equally_spaced(path: Path, line: str, offsets: np.ndarray) -> np.ndarray:
    """Offsets without the rounding of float32."""
    if len(offsets) < 2:
        raise ProductError(f"{path}: {line} has one wavelength: expected several")
    if not np.isfinite(offsets).all():
        n = np.count_nonzero(~np.isfinite(offsets))
        raise ProductError(f"{path}: {line}: {n} wavelength offsets are not finite")
    steps = np.diff(offsets)
    if steps.min() <= 0:
        at = int(np.argmin(steps)) + 1
        raise ProductError(
            f"{path}: {line}: wavelength offset {at} is {offsets[at]:g} mA after "
            f"{offsets[at - 1]:g} mA: expected them to increase"
        )
    mean = float(offsets[-1] - offsets[0]) / (len(offsets) - 1)
    rounding = 2 * np.finfo(np.float32).eps * np.abs(offsets).max()
    if (worst := np.abs(steps - mean).max()) > _SAME_SPACING * mean + rounding:
        raise ProductError(
            f"{path}: {line}: wavelength offsets are {mean:g} mA apart, some by {worst:.2g} mA "
            "more or less: expected equal spacing"
        )
    return offsets[0] + mean * np.arange(len(offsets))


def _log_tau(atmosphere: FitsArray) -> np.ndarray:
    """The depths, which all pixels share; a pixel that was not inverted has only zeros or NaN."""
    per_pixel: np.ndarray = atmosphere.mapped()[0]
    path = atmosphere.path
    inverted = np.isfinite(per_pixel).all(axis=0) & (per_pixel != 0).any(axis=0)
    if not inverted.any():
        raise ProductError(f"{path}: no pixel has optical depths")
    of_inverted = per_pixel[:, inverted].astype(float)
    depths = of_inverted[:, 0]
    differ = np.argwhere(np.abs(of_inverted - depths[:, np.newaxis]) > _SAME_DEPTH)
    if len(differ):
        number, pixel = differ[0]
        raise ProductError(
            f"{path}: log optical depth {number} is {depths[number]:g} in one pixel and "
            f"{of_inverted[number, pixel]:g} in another: expected the same in all"
        )
    steps = np.diff(depths)
    mean = (depths[-1] - depths[0]) / (len(depths) - 1)
    if abs(mean) < _SAME_DEPTH or np.abs(steps - mean).max() > _SAME_DEPTH:
        raise ProductError(
            f"{path}: log optical depths from {depths[0]:g} to {depths[-1]:g}: "
            "expected equal spacing"
        )
    return depths
