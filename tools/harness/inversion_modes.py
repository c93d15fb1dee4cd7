"""The modes of the inversion: settings with which a map must come out the same after any kill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TABLES = {
    "spectral_profile": "offset,transmission\n-4,0\n-2,0.5\n0,1\n2,0.6\n5,0\n",
    "lines": "wavelength_nm,log_gf,j_lower,j_upper,g_lower,g_upper\n"
    "630.15012,-0.75,2,2,1.5,1.5\n"
    "630.24936,-1.236,1,0,2.5,\n",
}

_LOCAL = {
    "fit_filling_factor": True,
    "stray_light": "local",
    "stray_light_radius": 2.5,
    "stray_light_radius_unit": "pixel",
}
_MASKED = {"masked": [[630.10, 630.12], [630.29, 630.295]]}

MODES: dict[str, dict[str, Any]] = {
    "default": {},
    "spectral-profile": {"spectral_profile_fwhm": 4.2},
    "tabulated-profile": {"spectral_profile": "spectral_profile.csv"},
    "macroturbulence": {"macroturbulence": 0.8},
    "lines": {"lines": "lines.csv"},
    "global-stray-light": {"fit_filling_factor": True},
    "local-stray-light": _LOCAL,
    "masked": _MASKED,
    "noise": {"noise": 2e-3},
    "coupling": {"coupling": 1.0, "coupling_sweeps": 2},
    "together": {
        **{"coupling": 1.0, "coupling_sweeps": 3},
        **{"spectral_profile_fwhm": 4.2, "macroturbulence": 0.8, "lines": "lines.csv"},
        **_LOCAL,
        **_MASKED,
        **{"max_iterations": 15, "restarts": 0},  # which bits come out does not need good fits
    },
}
"""Settings of the section `inversion`, by the name of the mode; tables by the names of files."""


def settings_of(mode: str, directory: Path) -> dict[str, Any]:
    """The settings of a mode, whose tables are written into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    settings = dict(MODES[mode])
    for name, table in _TABLES.items():
        if name in settings:
            settings[name] = directory / settings[name]
            settings[name].write_text(table)
    return settings


def as_options(settings: Mapping[str, Any]) -> list[str]:
    """The settings as options of a command: `--set inversion.NAME=VALUE`."""
    options = []
    for name, value in settings.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        options += ["--set", f"inversion.{name}={text}"]
    return options
