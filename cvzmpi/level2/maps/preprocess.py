"""The preparation of Level 1 data for the inversion.

The spectra of the slit are cut out and written to scratch once. From these, the mean profile of the
quiet Sun calibrates wavelengths and continuum, and the continuum, which is not polarised, tells how
much of Stokes I leaked into Q, U and V.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.errors import Level1Error, MapFileError
from cvzmpi.level2.maps.arms import UNCALIBRATED, Arm, arm_of, arms_of
from cvzmpi.level2.maps.level1 import Level1Map, count_maps, read_level1
from cvzmpi.level2.maps.map_file import writing
from cvzmpi.level2.maps.map_names import PREPARED_SUFFIX
from cvzmpi.level2.maps.map_scale import MapScale, scale_of
from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from cvzmpi.level2.maps.wavelength_calibration import calibrate
from cvzmpi.level2.settings import PreprocessSettings
from cvzmpi.level2.spectroscopy.tellurics import find_tellurics
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, Line
from cvzmpi.software import installed_versions

_SOFTWARE = ("cvzmpi", "numpy", "h5py", "astropy", "dkist")
_QUIET_FRACTION = 0.5  # the less polarised half of the brighter half


@dataclass(frozen=True)
class _Cut:
    """The spectra as read, in scratch."""

    stokes: np.ndarray  # float32, shape (n_steps, n_slit, 4, n_wavelengths)
    wavelength: np.ndarray  # float64, shape (n_wavelengths,); in nm, not calibrated


def preprocess_dataset(
    directory: Path,
    output: Path,
    settings: PreprocessSettings,
    dataset_id: str | None = None,
    lines: Sequence[Line] = FE_I_630,
) -> list[PreparedMap]:
    """Prepare all maps of a Level 1 dataset, as `preprocess` does."""
    return [
        preprocess(directory, output, settings, map_number, dataset_id, lines)
        for map_number in range(count_maps(directory))
    ]


def preprocess(
    directory: Path,
    output: Path,
    settings: PreprocessSettings,
    map_number: int = 0,
    dataset_id: str | None = None,
    lines: Sequence[Line] = FE_I_630,
) -> PreparedMap:
    """Prepare one map of a Level 1 dataset for the inversion.

    The lines say which part of the spectrum is prepared; where it has Ca II 854.2 nm and not these
    lines, that line. A map that was prepared from the same files with the same settings stays.

    Parameters
    ----------
    directory : Path
        The dataset: FITS files and one ASDF file.
    output : Path
        Directory of the prepared maps.
    map_number : int
        The number of the map, from 0, in a dataset with several.
    dataset_id : str, optional
        The id that the dataset must have.
    lines : sequence of Line
        The lines of the inversion.

    Returns
    -------
    PreparedMap
        Its `record` has the files, the settings and the software that it was made with.

    Raises
    ------
    Level1Error
        If the dataset cannot be read or prepared.
    MapFileError
        If the prepared map cannot be written.
    """
    level1 = read_level1(directory, map_number)
    if dataset_id not in (None, level1.dataset_id):
        raise Level1Error(f"{directory}: is dataset {level1.dataset_id}, expected {dataset_id}")
    arm = arm_of(level1.wavelength, arms_of(settings, lines))
    path = output / f"{level1.dataset_id}_{map_number:03d}{PREPARED_SUFFIX}"
    origin = {
        "dataset": level1.dataset_id,
        "map": map_number,
        "settings": settings.model_dump(mode="json"),
        "files": level1.check_files(),
        **arm.origin,
    }
    if (ready := _already_prepared(path, origin)) is not None:
        return ready
    cut = _cut(level1, settings, arm, path)
    try:
        scale = scale_of(level1.headers(), settings.slit_bin)
        return _prepare(cut, path, origin, settings, arm, scale)
    except Level1Error as error:
        raise Level1Error(f"{directory}: {error}") from error


def _already_prepared(path: Path, origin: dict[str, Any]) -> PreparedMap | None:
    if not path.exists():
        return None
    try:
        ready = PreparedMap.read(path)
        ready.verify()
    except MapFileError:
        return None  # written anew
    # An origin without an arm is that of the iron lines.
    is_same = all(ready.record.get(key) == origin.get(key) for key in (*origin, "arm"))
    return ready if is_same else None


def _cut(level1: Level1Map, settings: PreprocessSettings, arm: Arm, path: Path) -> _Cut:
    """Read the part that may be needed, once."""
    wanted = np.flatnonzero(
        (level1.wavelength > arm.first - arm.margin) & (level1.wavelength < arm.last + arm.margin)
    )
    if len(wanted) < 2:
        first, last = level1.wavelength[[0, -1]]
        raise Level1Error(
            f"{level1.directory}: has {first:.3f} to {last:.3f} nm, expected "
            f"{arm.first} to {arm.last} nm"
        )
    wavelengths = slice(int(wanted[0]), int(wanted[-1]) + 1)
    n_slit = level1.n_slit // settings.slit_bin
    if n_slit == 0:
        raise Level1Error(
            f"{level1.directory}: slit_bin is {settings.slit_bin}, of {level1.n_slit} pixels"
        )
    shape = (level1.n_steps, n_slit, 4, len(wanted))
    stokes = _array_on_disk(path.parent, shape)
    for step in range(level1.n_steps):
        rows = level1.stokes(step, wavelengths)[: n_slit * settings.slit_bin]
        stokes[step] = rows.reshape(n_slit, settings.slit_bin, *rows.shape[1:]).mean(axis=1)
    wavelength = level1.wavelength[wavelengths]
    if wavelength[0] > wavelength[-1]:
        return _Cut(stokes[..., ::-1], wavelength[::-1])
    return _Cut(stokes, wavelength)


def _array_on_disk(directory: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array of float32 that may be larger than the memory, in a file without a name."""
    with writing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory, prefix=".scratch-") as file:
            # Room is taken at once: the lack of it, met when the array is written to, would end
            # the process.
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * np.dtype(np.float32).itemsize)
            return np.memmap(file, np.float32, "r+", shape=shape)


def _prepare(
    cut: _Cut,
    path: Path,
    origin: dict[str, Any],
    settings: PreprocessSettings,
    arm: Arm,
    scale: MapScale | None,
) -> PreparedMap:
    """Calibrate, normalise, correct, and write."""
    quiet_profile, n_quiet = _quiet_profile(cut, arm)
    calibration = calibrate(cut.wavelength, quiet_profile, arm.lines, arm.line_width)
    wavelength = calibration.apply(cut.wavelength)
    tellurics = find_tellurics(wavelength, quiet_profile)
    outside = arm.of_continuum(wavelength, tellurics=tellurics)
    continuum = _continuum(wavelength, quiet_profile, outside)
    kept = _kept(wavelength, settings.spectral_bin, arm)
    binned = _bin(wavelength[kept], settings.spectral_bin)
    quiet_binned = _bin((quiet_profile / continuum)[kept], settings.spectral_bin)
    leaks, noises = [], []
    with PreparedMapWriter(path, cut.stokes.shape[:2], binned, quiet_binned) as writer:
        for raw in cut.stokes:
            stokes = raw / continuum
            leak = _crosstalk(stokes[:, :, outside])
            if settings.correct_crosstalk:
                stokes[:, 1:] -= leak[:, np.newaxis] * stokes[:, :1]
            leaks.append(leak)
            noises.append(np.nanstd(stokes[:, 1:, outside], axis=(0, 2)))
            writer.write(_bin(stokes[:, :, kept], settings.spectral_bin))
        writer.record = {
            **origin,
            "scale": None if scale is None else scale.as_record(),
            "software": installed_versions(*_SOFTWARE),
            "wavelength_calibration": {
                "shift_nm": calibration.shift,
                "stretch": calibration.stretch,
                "reference_nm": calibration.reference,
            },
            # Found: an empty list, of a spectrum without them, is not the lack of one.
            "tellurics_nm": [[float(value) for value in line] for line in tellurics],
            "quiet_pixels": n_quiet,
            "continuum": float(continuum.mean()),
            "crosstalk_corrected": settings.correct_crosstalk,
            "crosstalk_median": np.nanmedian(leaks, axis=0).tolist(),
            "noise": np.nanmedian(noises, axis=0).tolist(),
        }
    return PreparedMap.read(path)


def _quiet_profile(cut: _Cut, arm: Arm) -> tuple[np.ndarray, int]:
    """Mean intensity of the bright pixels that are polarised least, and their number."""
    outside = arm.of_continuum(cut.wavelength, UNCALIBRATED / 2)
    if not outside.any():
        outside = arm.of_continuum(cut.wavelength)
    brightness, polarisation, complete = [], [], []
    for stokes in cut.stokes:
        complete.append(np.isfinite(stokes).all(axis=(1, 2)))
        light = stokes[:, 0][:, outside].mean(axis=1)
        brightness.append(light)
        polarisation.append((stokes[:, 1:].std(axis=2) ** 2).sum(axis=1) / light**2)
    light, polarised = np.array(brightness), np.array(polarisation)
    usable = np.array(complete) & np.isfinite(polarised) & (light > 0)
    if not usable.any():
        raise Level1Error("no pixel has light in it")
    bright = usable & (light >= np.median(light[usable]))
    quiet = bright & (polarised <= np.quantile(polarised[bright], _QUIET_FRACTION))
    total = np.zeros(len(cut.wavelength))
    for stokes, rows in zip(cut.stokes, quiet, strict=True):
        total += stokes[rows, 0].sum(axis=0, dtype=float)
    n_quiet = int(quiet.sum())
    return total / n_quiet, n_quiet


def _continuum(
    wavelength: np.ndarray, quiet_profile: np.ndarray, outside: np.ndarray
) -> np.ndarray:
    """A straight line through the continuum of the quiet Sun, which is where `outside` is True."""
    if outside.sum() < 2:
        raise Level1Error("no continuum beside the lines")
    middle = wavelength.mean()
    slope, level = np.polyfit(wavelength[outside] - middle, quiet_profile[outside], 1)
    return level + slope * (wavelength - middle)


def _kept(wavelength: np.ndarray, spectral_bin: int, arm: Arm) -> np.ndarray:
    kept = np.flatnonzero((wavelength >= arm.first) & (wavelength <= arm.last))
    n_binned = len(kept) // spectral_bin
    if n_binned == 0 or not arm.is_within(wavelength[kept]):
        raise Level1Error(
            f"the lines are not within the {len(kept)} wavelengths from {arm.first} to "
            f"{arm.last} nm"
        )
    return kept[: n_binned * spectral_bin]


def _crosstalk(continuum: np.ndarray) -> np.ndarray:
    """The fraction of I in Q, U and V: medians over the slit, shape (3,)."""
    means = continuum.mean(axis=2)
    return np.nanmedian(means[:, 1:] / means[:, :1], axis=0)


def _bin(values: np.ndarray, n: int) -> np.ndarray:
    """Average each `n` neighbours along the last axis."""
    return values.reshape(*values.shape[:-1], -1, n).mean(axis=-1)
