"""What the inversion makes of a Sun that is less than ideal, with a field of 1 kG."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.level2.maps.simulated_map import NOISE
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.zeeman import SPEED_OF_LIGHT
from tools.bench.inversion.inverted import Found, invert
from tools.bench.inversion.sun import Sun, with_field
from tools.bench.inversion.targets import verdict
from tools.harness.markdown import markdown_table

FIELD = 1000.0  # G
TARGET_BIAS = 5.0  # G
TARGET_COVERAGE = (0.63, 0.73)  # of the intervals of one standard deviation
TARGET_SLOWER = 1.5  # times the processor time of the ideal case
SPECTRAL_PROFILE = 4.2  # pm; full width at half maximum
_PROFILE_SETTING = "spectral_profile_fwhm"
_MIDDLE_OF_LINES = 630.2  # nm
_COLUMNS = (
    *("", "bias of the field", "within one sigma: field", "inclination", "velocity"),
    *("median chi squared", "time of a pixel", "targets"),
)


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    name: str
    sun: Sun
    settings: Mapping[str, Any] = field(default_factory=dict)  # beside the defaults


def _cases() -> list[Case]:
    profile = {_PROFILE_SETTING: SPECTRAL_PROFILE}
    filled = {"fit_filling_factor": True}
    return [
        Case("the ideal Sun", Sun()),
        Case("noise of 2e-3, as the map records", Sun(noise=2 * NOISE)),
        Case("noise of 5e-4, as the map records", Sun(noise=NOISE / 2)),
        Case("noise set to twice the true one", Sun(), {"noise": 2 * NOISE}),
        Case("noise set to half the true one", Sun(), {"noise": NOISE / 2}),
        Case("spectral profile of 4.2 pm, not told", Sun(spectral_profile=SPECTRAL_PROFILE)),
        Case("spectral profile of 4.2 pm", Sun(spectral_profile=SPECTRAL_PROFILE), profile),
        Case("telluric lines", Sun(telluric_shift=0.0)),
        *(
            Case(f"telluric lines at {shift:+g} pm, the Sun's in place", Sun(telluric_shift=shift))
            for shift in (-8.0, 8.0)
        ),
        *(
            Case(
                f"the Sun's lines at {shift:+g} pm, telluric in place",
                Sun(line_shift=shift, telluric_shift=0.0),
            )
            for shift in (-8.0, 8.0)
        ),
        *(
            Case(f"filling factor {part:g}", Sun(filling_factor=part), filled)
            for part in (1.0, 0.5, 0.3, 0.1)
        ),
        Case("filling factor 0.5, not fitted", Sun(filling_factor=0.5)),
        Case(
            "profile, telluric lines at +8 pm, filling factor 0.5, noise of 2e-3",
            Sun(2 * NOISE, SPECTRAL_PROFILE, telluric_shift=8.0, filling_factor=0.5),
            profile | filled,
        ),
    ]


def table(directory: Path, n: int) -> str:
    """Rows of the table, `n` pixels each."""
    ideal, rows = None, []
    for case in _cases():
        random = np.random.default_rng(11)  # the same atmospheres in all rows
        truth = with_field(n, FIELD, random)
        path = case.sun.write(directory / "case", truth, random)
        found = invert(path, InversionSettings(**case.settings), n)
        ideal = found if ideal is None else ideal
        truth[:, me.VELOCITY] += case.sun.line_shift * SPEED_OF_LIGHT / _MIDDLE_OF_LINES * 1e-3
        rows.append([case.name, *_row(found, truth, ideal)])
    return markdown_table(_COLUMNS, rows)


def _row(found: Found, truth: np.ndarray, ideal: Found) -> Iterable[str]:
    error = found.parameters - truth
    bias, uncertain = median_and_uncertainty(error[:, me.FIELD])
    covered = [
        float(np.mean(np.abs(error[:, index]) < found.uncertainties[:, index]))
        for index in (me.FIELD, me.INCLINATION, me.VELOCITY)
    ]
    slower = found.cpu / ideal.cpu
    low, high = TARGET_COVERAGE
    yield f"{bias:+.2f} ± {uncertain:.2f} G"
    yield from (f"{part:.1%}" for part in covered)
    yield f"{np.nanmedian(found.chi_squared):.2f}"
    yield f"{slower:.2f} × ideal"
    are_met = {
        "bias": abs(bias) <= TARGET_BIAS,
        "coverage": low <= covered[0] <= high,
        "speed": slower <= TARGET_SLOWER,
    }
    missed = [name for name, is_met in are_met.items() if not is_met]
    yield ": ".join([verdict(not missed), *([", ".join(missed)] if missed else [])])


def median_and_uncertainty(values: np.ndarray) -> tuple[float, float]:
    """The median and its standard deviation, by the spread of the middle half of the values.

    The distribution is taken for normal near its middle: the deviation of a median is then 1.25
    times that of a mean, and the middle half is 1.35 deviations wide.
    """
    low, median, high = np.nanpercentile(values, [25, 50, 75])
    count = np.count_nonzero(np.isfinite(values))
    return float(median), float(1.2533 * (high - low) / 1.349 / np.sqrt(count))
