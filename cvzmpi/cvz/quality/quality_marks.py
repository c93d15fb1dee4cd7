"""Quality marks: named reasons not to believe what was found in a light curve.

A mark takes nothing away: the light curve stays in all tables, with its marks in a column, and out
of pictures of the whole campaign. All marks follow from what a sector file holds, so those of older
files are known as well. `DEFINITIONS` has them all, each with its threshold and the reason for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import betaincinv

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.exposure import in_cadences
from cvzmpi.cvz.light_curves.measured_values import MAD_TO_SIGMA
from cvzmpi.cvz.quality.periodic_detections import recurrence
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH, SearchedCurve
from cvzmpi.cvz.sector_file.data import SectorData
from cvzmpi.messages.wording import counted

MAX_MASKED = 0.2
MAX_NEGATIVE_SHARE = 0.2
FAR_BELOW_ZERO = 5.0
MIN_RESULTANT, MAX_CHANCE = 0.6, 1e-3
MIN_SEARCHED = 1.0  # days
MIN_SEARCHED_SHARE = 0.2
MIN_FITTED_CADENCES = 720  # of 120 s
RESIDUAL_SCALES = (0.5, 2.0)
MAX_AUTOCORRELATION = 0.5
MAX_PROCESS_AMPLITUDE = 25.0
MAX_LEFT_OUT = 0.1
MIN_OWN_LIGHT = 0.5

_ONE_SIDED = 0.05  # chance that the share of negative flares is below its limit


@dataclass(frozen=True)
class Mark:
    """A quality mark of a light curve: one of `DEFINITIONS`, and what it was given for in words."""

    name: str
    value: str


@dataclass(frozen=True)
class Definition:
    """A quality mark: its name in files and tables, and the fault of the light curve as a sentence.

    `why` is the reason for the threshold. If `spoils_star`, one light curve with it makes the rate
    of its star doubtful; if not, the star has it only where all its light curves do. `find` says
    what the mark is given for; None where it is not given, or cannot be known yet.
    """

    name: str
    meaning: str
    why: str
    spoils_star: bool
    find: Callable[[SearchedCurve], str | None]


def quality_marks(
    data: SectorData, config: Mapping[str, Any], search: Search = DEFAULT_SEARCH
) -> tuple[Mark, ...]:
    """The quality marks of a light curve, as far as they can be known at its checkpoint.

    They are in the order of `DEFINITIONS`. `config` is that of its search, by dotted key.
    """
    return marks_of(SearchedCurve(data, config, search))


def marks_of(searched: SearchedCurve) -> tuple[Mark, ...]:
    """The same, of a light curve as it was searched."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = [(definition.name, definition.find(searched)) for definition in DEFINITIONS]
    return tuple(Mark(name, value) for name, value in found if value is not None)


def marks_text(marks: Iterable[Mark] | Iterable[str]) -> str:
    """Names of marks as files and tables have them: separated by commas, or an empty text."""
    names = {mark.name if isinstance(mark, Mark) else mark for mark in marks}
    return ",".join(definition.name for definition in DEFINITIONS if definition.name in names)


def names_in(text: str) -> tuple[str, ...]:
    """The inverse of `marks_text`."""
    return tuple(text.split(",")) if text else ()


def marks_in_words(text: str) -> str:
    """The names of `marks_text` for people."""
    return text.replace("_", " ").replace(",", ", ")


def marks_of_star(texts: Iterable[str]) -> str:
    """The marks of a star, from those of its light curves, as `marks_text` has them."""
    of_curves = [set(names_in(text)) for text in texts]
    return marks_text(
        definition.name
        for definition in DEFINITIONS
        if of_curves
        and (any if definition.spoils_star else all)(
            definition.name in names for names in of_curves
        )
    )


def _much_masked(searched: SearchedCurve) -> str | None:
    n_evaluated = int(searched.evaluated.sum())
    n_masked = int((searched.evaluated & searched.flaring).sum())
    if n_masked <= MAX_MASKED * n_evaluated:
        return None
    return f"{n_masked / n_evaluated:.0%} of the evaluated cadences are masked as flares"


def _negative_durations(searched: SearchedCurve) -> str | None:
    flares = searched.flares
    if flares is None:
        return None
    duration, error = flares["mask_equivalent_duration"], flares["mask_equivalent_duration_error"]
    n, n_negative = len(duration), int((duration < 0).sum())
    n_far = int((duration < -FAR_BELOW_ZERO * error).sum())
    least = float(betaincinv(n_negative, n - n_negative + 1, _ONE_SIDED)) if n_negative else 0.0
    if least <= MAX_NEGATIVE_SHARE and not n_far:
        return None
    return f"{n_negative} of {n} flares have a negative equivalent duration"


def _periodic_detections(searched: SearchedCurve) -> str | None:
    flares = searched.flares
    found = None if flares is None else recurrence(flares["peak_time"])
    if found is None or found.resultant < MIN_RESULTANT or found.chance > MAX_CHANCE:
        return None
    return (
        f"{found.n} detections recur with a period of {found.period:.4g} d or a multiple of it "
        f"(R = {found.resultant:.2f}, chance {found.chance:.0e})"
    )


def _little_searched(searched: SearchedCurve) -> str | None:
    days = searched.time.searched
    light_curve_days = float(searched.usable.sum()) * searched.data.light_curve.exposure
    if days >= MIN_SEARCHED and days >= MIN_SEARCHED_SHARE * light_curve_days:
        return None
    return f"{days:.2f} d of {light_curve_days:.1f} d were searched"


def _poor_process(searched: SearchedCurve) -> str | None:
    data = searched.data
    if data.gp_mu is None:
        return None
    reasons = []
    n_fitted = int(searched.fitted.sum())
    if n_fitted < in_cadences(MIN_FITTED_CADENCES, data.light_curve.exposure):
        reasons.append(f"it was fitted to {counted(n_fitted, 'cadence')}")
    if not data.gp_facts["gp_converged"]:
        reasons.append("its fit did not converge")
    residuals = searched.residuals
    if len(residuals):
        reasons += _of_residuals(residuals, searched.fitted)
        median = float(np.median(data.light_curve.flux[searched.usable]))
        scatter = float(np.std(data.light_curve.flux[searched.fitted].astype(np.float64))) / median
        times = float(data.gp_facts["gp_sigma"]) / scatter
        if not times <= MAX_PROCESS_AMPLITUDE:
            reasons.append(f"its amplitude is {times:.3g} times the scatter of the light curve")
    return "; ".join(reasons) or None


def _of_residuals(residuals: np.ndarray, fitted: np.ndarray) -> list[str]:
    """Faults of the residuals: a scale far from 1, or correlated neighbours."""
    reasons = []
    scale = MAD_TO_SIGMA * float(np.median(np.abs(residuals - np.median(residuals))))
    if not RESIDUAL_SCALES[0] <= scale <= RESIDUAL_SCALES[1]:
        reasons.append(f"its residuals scatter by {scale:.2g} times their errors")
    clipped = np.clip(residuals / scale, -4, 4)  # outliers say nothing about the others
    beside = np.diff(np.flatnonzero(fitted)) == 1
    correlation = float(np.mean(clipped[:-1][beside] * clipped[1:][beside]) / np.mean(clipped**2))
    if abs(correlation) > MAX_AUTOCORRELATION:
        reasons.append(f"its residuals are not white (neighbours correlate by {correlation:.2f})")
    return reasons


def _badly_modelled(searched: SearchedCurve) -> str | None:
    data = searched.data
    if searched.search is Search.STELLA or data.significance is None or data.noise_raised is None:
        return None
    reasons = []
    left_out = float(np.mean(~np.isfinite(data.significance[searched.usable])))
    if left_out > MAX_LEFT_OUT:
        reasons.append(f"{left_out:.0%} of the light curve is left out")
    if (raised := float(data.noise_raised.max())) > 1:
        reasons.append(f"the noise was raised by up to {raised:.3g}")
    return "; ".join(reasons) or None


def _crowded(searched: SearchedCurve) -> str | None:
    share = searched.data.light_curve.header.get("CROWDSAP")
    if isinstance(share, bool) or not isinstance(share, int | float) or not share < MIN_OWN_LIGHT:
        return None
    return f"{share:.1%} of the light in the aperture is the star's (CROWDSAP)"


DEFINITIONS = (
    Definition(
        "much_masked",
        f"More than {MAX_MASKED:.0%} of the evaluated cadences are masked as flares.",
        "Stars that flare most spend a few per cent of their time in flares. Of real light curves, "
        "the most active star reaches 13 %; pulsators and eclipses 15 to 99 %.",
        True,
        _much_masked,
    ),
    Definition(
        "negative_durations",
        "Too many detected flares lose light: their equivalent durations are negative.",
        "A flare adds light; at the detection limit noise makes up to a fifth of them negative. "
        f"Given where the 95 % lower limit of the share is above {MAX_NEGATIVE_SHARE:.0%} "
        f"(Clopper-Pearson), or one is {FAR_BELOW_ZERO:g} errors below zero: what is detected is "
        "then where the process fails.",
        True,
        _negative_durations,
    ),
    Definition(
        "periodic_detections",
        "The detections recur with a period, as eclipses and pulsations do and flares do not.",
        f"Given for a mean resultant length of at least {MIN_RESULTANT} that chance has with a "
        f"probability of less than {MAX_CHANCE:g}, over all periods from an hour to a fifth of the "
        "light curve. Flares that prefer one side of a rotating star stay below 0.5.",
        True,
        _periodic_detections,
    ),
    Definition(
        "little_searched",
        f"Less than {MIN_SEARCHED:g} d, or less than {MIN_SEARCHED_SHARE:.0%} of the light curve, "
        "was searched.",
        "A rate is flares over time; where next to nothing was searched it is any number, and what "
        "is left of a light curve that is mostly masked is no sample of it. So there is no rate of "
        "a light curve with this mark, and none of a star all of whose light curves have it.",
        False,
        _little_searched,
    ),
    Definition(
        "poor_process",
        "The Gaussian process of the quiet star is not to be trusted.",
        f"It was fitted to less than a day ({MIN_FITTED_CADENCES} cadences of 120 s), or did not "
        f"converge, or its residuals scatter by less than {RESIDUAL_SCALES[0]} or more than "
        f"{RESIDUAL_SCALES[1]} times their errors, or correlate from cadence to cadence by more "
        f"than {MAX_AUTOCORRELATION}, or its amplitude is near the bound of the fit, 30 times the "
        "scatter of the light curve. Good light curves have 0.6 to 1.0, -0.25 to 0.0 and below 9.",
        True,
        _poor_process,
    ),
    Definition(
        "badly_modelled",
        "The Gaussian process cannot follow the star, says the search by significance.",
        f"It left out more than {MAX_LEFT_OUT:.0%} of the light curve outside of flares, such as "
        "eclipses, or it raised the noise: without that, the inverted light curve, which holds no "
        "flares, would have more of them than chance makes. So few flares are found, and some may "
        "be none. Quiet stars and flare stars have up to 6 % left out, and their own noise; two "
        "eclipsing binaries have more than 20 %, and the noise of a pulsator is more than doubled. "
        "Not given for stella alone.",
        True,
        _badly_modelled,
    ),
    Definition(
        "crowded",
        "Most of the light in the aperture is that of other stars.",
        f"CROWDSAP of the FITS header below {MIN_OWN_LIGHT}: whatever flares is more likely "
        "another star. Files of cvzmpi versions that did not keep it do not have this mark.",
        True,
        _crowded,
    ),
)
"""All quality marks."""

BY_NAME = {definition.name: definition for definition in DEFINITIONS}
