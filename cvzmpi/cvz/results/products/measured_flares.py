"""The flares of a light curve as all products have them: one row each, with one set of measures.

Everything that is made of sector files has flares, their number, equivalent durations and energies
from here.

The equivalent duration is that of the flare template fitted to the flare (`template_fit` says why).
A flare has none where no template fits with at least two standard errors, and where the sum over
its cadences is certainly negative: what loses light is no flare. Such a flare counts as found, its
equivalent duration is the sum over its cadences, and `template_fitted` is false. Where that is not
above 0, the flare is in no rate.

Files of format version 2 hold the templates. Those of version 1 do not, and the templates are
fitted here, which takes 7 ms for a flare, and 30 ms for a detection that is none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.detection.flares import at_edge
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.results.products.template_fit import SIGNIFICANT, TemplateFit, fit_flares
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.cvz.sector_file.layout import Column
from cvzmpi.cvz.sector_file.star_facts import star_facts

_CERTAIN = 3.0  # standard errors below zero

# Unit as astropy writes it, and what there is to say beside the name, by the unit in the file.
_UNITS = {
    "BTJD d": ("d", "BTJD"),
    "cadence": ("", "row of the light curve"),
    "relative to median flux": ("", "relative to the median flux"),
    "bit mask": ("", "bit mask"),
    "1": ("", ""),
}
_DESCRIPTIONS = {
    "amplitude": "of the brightest cadence, relative to the median flux",
    "equivalent_duration": "of the fitted template; see template_fitted",
    "equivalent_duration_error": "standard error",
    "mask_equivalent_duration": "sum over the cadences of the flare",
    "mask_equivalent_duration_error": "standard error",
    "max_probability": "highest flare probability, by stella",
    "found_by": "bit 1: stella, bit 2: significance",
    "snr": "signal-to-noise of the best template, by significance",
    "template_amplitude": "relative to the median flux",
    "template_amplitude_error": "standard error",
    "fwhm": "full width at half maximum of the fitted template",
    "fwhm_error": "standard error",
    "template_time": "peak of the fitted template, BTJD",
    "rest_snr": "signal-to-noise without the brightest cadence",
    "reversed_snr": "signal-to-noise of templates backwards in time",
    "hump_snr": "signal-to-noise of boxes",
    "since_gap": "cadences from the last gap to the peak",
    "vetting": "bits of the vetting rules that refuse it",
    "reliability": "chance that it is a flare",
}

COLUMNS = {
    **{
        name: Column(dtype, unit, _DESCRIPTIONS.get(name, text))
        for name, (dtype, in_file) in FLARE_COLUMNS.items()
        for unit, text in [_UNITS.get(in_file, (in_file, ""))]
    },
    "template_fitted": Column("?", "", "false: the equivalent duration is the sum, none fits"),
    "energy": Column("f8", "erg", "bolometric, of a blackbody of 9000 K"),
    "energy_error": Column("f8", "erg", "standard error, with that of the star"),
    "at_edge": Column("?", "", "touches a gap or the end of the search: a part may be missing"),
}
"""Columns of the table."""


_OF_LARGEST = {
    "largest_flare": "equivalent_duration",
    "largest_flare_error": "equivalent_duration_error",
    "largest_energy": "energy",
    "largest_energy_error": "energy_error",
}


def measured_flares(searched: SearchedCurve, known: Columns | None = None) -> Columns:
    """The flares of the search chosen, in order of time.

    Parameters
    ----------
    searched : SearchedCurve
        At any checkpoint; before `model` there are no rows.
    known : dict of ndarray, optional
        The table as it was returned before, for this search of this file. It is returned again if
        the file still has these flares; so nothing is fitted twice.

    Returns
    -------
    dict of ndarray, shape (n_flares,)
        By name in `COLUMNS`.

    Raises
    ------
    SectorFileError
        If a usable cadence has no error above 0, or a fact of the header has an odd type.
    """
    flares = searched.flares
    if flares is None:
        return {name: np.empty(0, column.dtype) for name, column in COLUMNS.items()}
    if known is not None and _same(known, flares):
        return known
    measured = dict(flares)
    if len(flares["peak"]):
        measured |= _templates(searched, flares)
    duration, error, fitted = _equivalent_duration(measured)
    facts = star_facts(searched.data.light_curve.header)
    catalogue = searched.data.light_curve.id.catalogue
    scale = FlareEnergyScale.of_star(facts["radius"], facts["temperature"], catalogue)
    energy, energy_error = scale.energy(duration, error)
    looked_at = np.where(searched.evaluated, 0.0, np.nan)
    measured |= {
        "equivalent_duration": duration,
        "equivalent_duration_error": error,
        "template_fitted": fitted,
        "energy": energy,
        "energy_error": energy_error,
        "at_edge": at_edge(looked_at, flares["start"], flares["stop"]),
    }
    return {name: np.asarray(measured[name], column.dtype) for name, column in COLUMNS.items()}


def in_a_rate(flares: Mapping[str, np.ndarray]) -> np.ndarray:
    """Flares with an equivalent duration above 0: the others are counted, and in no rate; bool."""
    return flares["equivalent_duration"] > 0


def by_size(flares: Mapping[str, np.ndarray]) -> np.ndarray:
    """The order of flares by equivalent duration, the largest first; int, shape (n_flares,)."""
    return np.argsort(-flares["equivalent_duration"], kind="stable")


def largest_flare(flares: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """The measures of the largest flare, by name as in the index; none where there is no flare.

    None stands for what is not known.
    """
    return {
        name: float(flares[column][largest]) if np.isfinite(flares[column][largest]) else None
        for largest in by_size(flares)[:1]
        for name, column in _OF_LARGEST.items()
    }


def _same(known: Columns, flares: Columns) -> bool:
    names = ("start", "stop", "mask_equivalent_duration")
    return all(np.array_equal(known[name], flares[name], equal_nan=True) for name in names)


def _templates(searched: SearchedCurve, flares: Columns) -> Columns:
    """What the templates say, of a file that does not hold them."""
    if searched.has_templates:
        return {}
    fits = fit_flares(searched.data, searched.quality_bitmask)
    names = {
        "equivalent_duration": "duration",
        "equivalent_duration_error": "duration_error",
        "template_amplitude": "amplitude",
        "fwhm": "fwhm",
    }
    return {name: _values(fits, attribute) for name, attribute in names.items()}


def _values(fits: list[TemplateFit | None], attribute: str) -> np.ndarray:
    return np.array([np.nan if fit is None else getattr(fit, attribute) for fit in fits])


def _equivalent_duration(flares: Columns) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equivalent duration and error of each flare, and whether they are those of a template."""
    template, template_error = (flares[f"equivalent_duration{end}"] for end in ("", "_error"))
    mask, mask_error = (flares[f"mask_equivalent_duration{end}"] for end in ("", "_error"))
    loses_light = mask < -_CERTAIN * mask_error
    with np.errstate(invalid="ignore"):
        significant = template >= SIGNIFICANT * template_error
    fitted = significant & (template > 0) & ~loses_light
    duration = np.where(fitted, template, mask)
    error = np.where(fitted, template_error, mask_error)
    return duration, error, fitted
