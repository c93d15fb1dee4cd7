"""Prepared and inverted maps for pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion.inversion_file import InvertedMap, read_so_far
from cvzmpi.level2.maps.map_names import PREPARED_SUFFIX
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.neighbours.stray_light import ModelOfPixels
from cvzmpi.level2.pictures.opened_map import NOT_BEGUN, UNUSABLE, OpenedMap, Profiles
from cvzmpi.level2.pictures.quantities import UNCERTAINTY, Quantity, named
from cvzmpi.level2.pixels import calcium
from cvzmpi.level2.spectroscopy import spectral_window
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS
from cvzmpi.level2.spectroscopy.spectral_window import left_out_of
from cvzmpi.level2.spectroscopy.zeeman import CA_II_854, FE_I_630

QUIET_CONTINUUM = "quiet Sun"
_DEGREES = 180 / np.pi


def open_prepared(path: Path) -> OpenedMap:
    """Read the quantities of a prepared map.

    Raises
    ------
    MapFileError
    """
    prepared = PreparedMap.read(path)
    continuum = Continuum(prepared)
    quantities = [
        Quantity("continuum", QUIET_CONTINUUM, continuum.read),
        Quantity("linear_polarisation", "%", continuum.read_linear),
        Quantity("circular_polarisation", "%", continuum.read_circular),
    ]

    def read_profiles(x: int, y: int) -> Profiles:
        return Profiles(prepared.wavelength, observed_in(prepared, x, y), None)

    return OpenedMap(
        path=path,
        kind="prepared map, not inverted",
        shape=prepared.shape,
        quantities=named(quantities),
        scale=prepared.scale,
        read_profiles=read_profiles,
        notes=_notes(prepared),
    )


def open_inverted(path: Path, prepared_path: Path | None) -> OpenedMap:
    """Read an inverted map, as far as it is inverted.

    Parameters
    ----------
    prepared_path : Path or None
        The prepared map; None to look for it where the commands leave it.

    Raises
    ------
    MapFileError
        If a file cannot be read, or the prepared map is not that of the inverted one.
    """
    inverted, progress = read_so_far(path)
    prepared = prepared_of(path, inverted.origin.prepared_checksum, prepared_path)
    quantities = [Quantity.of("chi_squared", "", _where_inverted(inverted, inverted.chi_squared))]
    for name, unit in PARAMETERS.items():
        factor, shown = (_DEGREES, "deg") if unit == "rad" else (1, unit)
        for suffix, found in (("", inverted.parameters), (UNCERTAINTY, inverted.uncertainties)):
            values = _where_inverted(inverted, factor * found[name].astype(float))
            quantities.append(Quantity.of(f"{name}{suffix}", shown, values))
    quantities += [*_of_trust(inverted), _continuum(inverted, prepared)]
    notes = notes_of(prepared, inverted.status, progress.done)
    if prepared is None:
        notes.insert(0, "without its prepared map: the continuum is that of the fit")

    def read_profiles(x: int, y: int) -> Profiles:
        return _profiles(path, inverted, prepared, x, y)

    n_steps, n_slit = inverted.status.shape
    return OpenedMap(
        path=path,
        kind="inverted map" if progress.done else "inverted map, not finished",
        shape=(n_steps, n_slit),
        quantities=named(quantities),
        scale=None if prepared is None else prepared.scale,
        read_profiles=read_profiles,
        status=Quantity.of("status", "", inverted.status),
        notes=notes,
    )


def continuum_of(wavelength: np.ndarray, lines: Sequence[float] = ()) -> np.ndarray:
    """Mask of the wavelengths that show the continuum, or the far wings of Ca II 854.2 nm.

    All of them where there are none.

    Parameters
    ----------
    lines : sequence of float
        Wavelengths of the lines of a table, in nm, if these are observed.
    """
    if wavelength[0] < CA_II_854.wavelength < wavelength[-1]:
        return calcium.far_wings(wavelength)
    outside = spectral_window.of_continuum(wavelength, FE_I_630)
    for line in lines:
        outside &= np.abs(wavelength - line) > spectral_window.FAR_FROM_LINES
    return outside if outside.any() else np.ones_like(outside)


def _notes(prepared: PreparedMap) -> list[str]:
    return ["simulated"] if prepared.record.get("simulated") else []


def _where_inverted(inverted: InvertedMap, values: np.ndarray) -> np.ndarray:
    without = np.isin(inverted.status, (NOT_BEGUN, UNUSABLE))
    return np.where(without, np.nan, values)


def notes_of(prepared: PreparedMap | None, status: np.ndarray, is_done: bool) -> list[str]:
    """What a reader of a picture must know."""
    notes = [] if prepared is None else _notes(prepared)
    if not is_done:
        n_done = int(np.count_nonzero(status != NOT_BEGUN))
        share = n_done / status.size
        notes.append(f"{n_done:,} of {status.size:,} pixels inverted so far, {share:.0%}")
    return notes


def _of_trust(inverted: InvertedMap) -> list[Quantity]:
    """Quality, detection and the weak-field approximation; earlier versions wrote none of them."""
    found: list[tuple[str, str, np.ndarray]] = []
    if inverted.field_significance is not None:
        found.append(("significance", "sigma", inverted.field_significance))
    for name, values in inverted.weak_field.items():
        of, is_error, _ = name.partition("_error")
        found.append((f"{of}{UNCERTAINTY}" if is_error else of, "G", values))
    quantities = [Quantity.of(name, unit, values) for name, unit, values in found]
    if inverted.n_outliers is not None:
        quantities += quality_of(inverted.status, inverted.quality, inverted.n_outliers)
    return quantities


def quality_of(status: np.ndarray, quality: np.ndarray, n_outliers: np.ndarray) -> list[Quantity]:
    """Quality and outliers, of the pixels that are begun."""
    return [
        Quantity.of(name, "", np.where(status != NOT_BEGUN, values.astype(float), np.nan))
        for name, values in (("quality", quality), ("outliers", n_outliers))
    ]


def _continuum(inverted: InvertedMap, prepared: PreparedMap | None) -> Quantity:
    """The observed continuum, or that of the model: its source function at optical depth 1."""
    if prepared is not None:
        return Quantity("continuum", QUIET_CONTINUUM, Continuum(prepared).read)
    p = inverted.parameters
    values = _where_inverted(inverted, p["source_constant"] + p["source_gradient"])
    return Quantity.of("continuum", QUIET_CONTINUUM, values)


class Continuum:
    """The continuum of a prepared map, and its polarisation relative to it."""

    def __init__(self, prepared: PreparedMap) -> None:
        self._prepared = prepared
        self._mask = continuum_of(prepared.wavelength, prepared.record.get("lines_nm", ()))

    def read(self, steps: slice) -> np.ndarray:
        """The mean intensity in the continuum."""
        return self._each(steps, slice(0, 1), lambda stokes, light: light)

    def read_linear(self, steps: slice) -> np.ndarray:
        """The largest linear polarisation at any wavelength, in percent."""
        return self._each(
            steps, slice(None), lambda s, light: _percent(np.hypot(s[:, 1], s[:, 2]), light)
        )

    def read_circular(self, steps: slice) -> np.ndarray:
        """The largest circular polarisation at any wavelength, in percent."""
        return self._each(steps, slice(None), lambda s, light: _percent(np.abs(s[:, 3]), light))

    def _each(
        self,
        steps: slice,
        needed: slice,
        measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    ) -> np.ndarray:
        """Measure something in the Stokes profiles, one scan position after the other."""
        found = []
        with self._prepared.profiles() as profiles, np.errstate(divide="ignore", invalid="ignore"):
            for step in range(*steps.indices(self._prepared.shape[0])):
                stokes = profiles[step, :, needed]
                found.append(measure(stokes, stokes[:, 0][:, self._mask].mean(axis=1)))
        return np.array(found)


def _percent(polarised: np.ndarray, light: np.ndarray) -> np.ndarray:
    largest: np.ndarray = 100 * polarised.max(axis=1) / light
    return largest


def prepared_of(path: Path, checksum: str, given: Path | None) -> PreparedMap | None:
    """The prepared map of an inverted one; None if it is in none of the usual places.

    Raises
    ------
    MapFileError
        If the one that is given is not that of the checksum, or cannot be read.
    """
    if given is not None:
        prepared = PreparedMap.read(given)
        if prepared.checksum != checksum:
            raise MapFileError(f"{path}: not inverted from {given}")
        return prepared
    name = path.name.partition(".")[0]
    for directory in (path.parent, path.parent.parent / "prepared"):
        for candidate in sorted(directory.glob(f"*{PREPARED_SUFFIX}")):
            if not candidate.name.startswith(f"{name}."):
                continue
            try:
                prepared = PreparedMap.read(candidate)
            except MapFileError:
                continue  # the maps can be drawn without it
            if prepared.checksum == checksum:
                return prepared
    return None


def needed(path: Path, prepared: PreparedMap | None) -> PreparedMap:
    """The prepared map of another, where it has to be there.

    Raises
    ------
    MapFileError
    """
    if prepared is None:
        raise MapFileError(
            f"{path}: its Stokes profiles are in the prepared map, which is not beside it: "
            "name it with --prepared"
        )
    return prepared


def observed_in(prepared: PreparedMap, x: int, y: int) -> np.ndarray:
    """The observed profiles of a pixel: float32, shape (4, n_wavelengths)."""
    profiles: np.ndarray = prepared.read_profiles((x, slice(y, y + 1)))[0]
    return profiles


def _profiles(
    path: Path, inverted: InvertedMap, prepared: PreparedMap | None, x: int, y: int
) -> Profiles:
    prepared = needed(path, prepared)
    observed, fitted = observed_in(prepared, x, y), None
    origin = inverted.origin
    settings = json.loads(origin.settings_json)
    if inverted.status[x, y] not in (NOT_BEGUN, UNUSABLE):
        parameters = np.array([[inverted.parameters[name][x, y] for name in PARAMETERS]], float)
        place = x, slice(y, y + 1)
        model = ModelOfPixels.of(prepared, origin.settings_json, origin.spectral_profile)
        fitted = model.at(place).stokes(parameters)[0]
    tellurics = prepared.tellurics if settings["exclude_tellurics"] else ()
    left_out = left_out_of(prepared.wavelength, tellurics, settings.get("masked", ()))
    return Profiles(prepared.wavelength, observed, fitted, left_out if left_out.any() else None)
