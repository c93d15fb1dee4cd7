"""Damaged pixels: whether they are flagged, and whether their neighbours keep every bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH
from cvzmpi.level2.pixels.inverted_pixels import UNUSABLE
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from tools.bench.inversion.inverted import Found, invert
from tools.bench.inversion.sun import Sun, profiles_of, with_field, write_map
from tools.bench.inversion.targets import verdict
from tools.harness.markdown import markdown_table

_EVERY = 4  # one of so many pixels is damaged
_FIELD = 1000.0  # G
_COLUMNS = (
    *("", "damaged", "flagged", "median error of their field", "neighbours flagged"),
    *("neighbours with the same bits", ""),
)


def _spike(stokes: np.ndarray) -> None:
    """A cosmic ray's, in one wavelength of V in a line."""
    stokes[:, 3, 60] += 0.4


def _saturation(stokes: np.ndarray) -> None:
    """The brightest fifth of the intensities is cut off."""
    most = np.quantile(stokes[:, 0], 0.8, axis=1, keepdims=True)
    stokes[:, 0] = np.minimum(stokes[:, 0], most)


def _fringes(stokes: np.ndarray) -> None:
    """Of 2e-3, with a period of 40 pm, in Q, U and V."""
    stokes[:, 1:] += 2e-3 * np.sin(2 * np.pi * (WAVELENGTH - WAVELENGTH[0]) / 0.040)


def _dead(stokes: np.ndarray) -> None:
    """A row of the camera that sees nothing."""
    stokes[...] = 0


def _missing(stokes: np.ndarray) -> None:
    """No value at one wavelength, in a line."""
    stokes[:, :, 60] = np.nan


_DAMAGES: Mapping[str, Callable[[np.ndarray], None]] = {
    "spikes of 0.4": _spike,
    "saturation": _saturation,
    "fringes of 2e-3": _fringes,
    "dead rows": _dead,
    "NaN": _missing,
}


def table(directory: Path, n: int) -> str:
    """A row for each kind of damage, in maps of `n` pixels."""
    random = np.random.default_rng(17)
    truth = with_field(n, _FIELD, random)
    intact_path = Sun().write(directory / "intact", truth, random)
    intact = invert(intact_path, InversionSettings(), n)
    stokes = profiles_of(intact_path, n)
    quiet = np.median(stokes[:, 0], axis=0)
    rows = []
    for name, damage in _DAMAGES.items():
        damaged = stokes.copy()
        damage(damaged[::_EVERY])
        path = write_map(directory / "damaged", damaged, WAVELENGTH, quiet, NOISE, simulated=True)
        rows.append([name, *_row(invert(path, InversionSettings(), n), intact)])
    return markdown_table(_COLUMNS, rows)


def _row(found: Found, intact: Found) -> list[str]:
    is_damaged = np.arange(len(found.status)) % _EVERY == 0
    flagged = is_flagged(found)
    same = np.ones(len(flagged), bool)
    for name in ("parameters", "uncertainties", "chi_squared", "n_iterations", "status"):
        ours, theirs = (getattr(one, name).reshape(len(flagged), -1) for one in (found, intact))
        same &= np.array([a.tobytes() == b.tobytes() for a, b in zip(ours, theirs, strict=True)])
    n_damaged, n_others = np.count_nonzero(is_damaged), np.count_nonzero(~is_damaged)
    error = np.abs(found.parameters[is_damaged, me.FIELD] - _FIELD)
    median = float(np.nanmedian(error)) if np.isfinite(error).any() else np.nan
    n_flagged, n_same = np.count_nonzero(flagged & is_damaged), np.count_nonzero(same & ~is_damaged)
    return [
        f"{n_damaged:,}",
        f"{n_flagged:,}",
        "no result" if np.isnan(median) else f"{median:.1f} G",
        f"{np.count_nonzero(flagged & ~is_damaged):,}",
        f"{n_same:,} of {n_others:,}",
        verdict(n_flagged == n_damaged and n_same == n_others),
    ]


def is_flagged(found: Found) -> np.ndarray:
    """Mask of the pixels that are marked, by their quality or as unusable."""
    return (found.status == UNUSABLE) | (found.quality != 0)
