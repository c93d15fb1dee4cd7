"""One light curve as the script that the report's viewer opens: every cadence, in some 50 kB.

How near the shown values are to those of the sector file (`light_curve_script` says the units):

- times: 0.05 s. A time is that of row 0, plus the row times the exposure, plus a slow correction
  to the barycentre, which is kept at few rows and interpolated between them;
- flux: 0.001 of the noise, which is the median error of a cadence. It is kept as the difference
  from the mean of the Gaussian process in steps of 0.002 of the noise; where that is more than
  65 times the noise, as in large flares, as a number of its own, right to 1e-7;
- its error: 0.0025 of the noise, or 1e-5 of the largest error where that is more;
- mean and standard deviation of the Gaussian process: 0.01 of the noise. They are kept at every
  cadence, in steps of 0.02 of the noise, as differences of differences: these are nearly all 0;
- flare probability: 0.002.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.search import found_by_in_words
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY, SECONDS_PER_DAY
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.results.report.knots import knots
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.web.packed_arrays import packed

_STEPS = 500  # of the flux in the noise
_ERROR_STEPS = 200
_PROBABILITY_STEPS = 250
_UNKNOWN = 255  # as probability
_MISSING, _ELSEWHERE = -32768, 32767  # as flux: none was measured; it is among the exceptions
_MODEL_STEPS = 50
_TIME_TOLERANCE = 0.05  # in seconds
_SMALLEST_NOISE = 1e-7  # of the median flux: float32 has no finer steps

STATES = (
    "searched",
    "no measurement",
    "quality flags",
    "left out of the model",
    "beside a gap",
)
"""Why a cadence was not searched; the first one was. The last two were usable."""

_FLARING = 128
"""Added to the state of the cadences of flares."""


def flare_anchor(sector: int, number: int) -> str:
    """The fragment of the address at which a star's page shows a flare.

    `number` counts the flares of the light curve in order of time, from 1.
    """
    return f"sector-{sector}-flare-{number}"


def light_curve_script(content: SearchedFile) -> str:
    """JavaScript that hands a light curve to the viewer.

    Flux, error and model are relative to the median flux of the usable cadences, times are BTJD
    in days, equivalent durations seconds and energies erg.

    Raises
    ------
    SectorFileError
        If a usable cadence has no error above 0, or a fact of the header has an odd type.
    """
    described = _Packing(content).described() | {
        "threshold": content.config["detect.threshold"],
        "states": STATES,
        "flares": flare_columns(content),
        "completeness": _completeness(content),
        "summary": summary(content),
    }
    text = json.dumps(described, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"cvzmpi.lightCurve({content.tic}, {content.sector}, {text});\n"


class _Packing:
    """The columns of a light curve in the units in which they are packed."""

    def __init__(self, content: SearchedFile) -> None:
        curve = content.data.light_curve
        usable = content.searched.usable
        self.content, self.curve, self.usable = content, curve, usable
        self.median = float(np.median(curve.flux[usable].astype(float)))
        noise = float(np.median(curve.flux_err[usable].astype(float))) / self.median
        self.noise = max(noise, _SMALLEST_NOISE)
        self.measured = np.isfinite(curve.time) & np.isfinite(curve.flux)
        self.arrays: dict[str, np.ndarray] = {}

    def described(self) -> dict[str, Any]:
        """All that the viewer needs to know of the cadences."""
        curve = self.curve
        largest = float(np.max(curve.flux_err[self.usable])) / self.median
        error_step = max(self.noise / _ERROR_STEPS, largest / 65535)
        start = self._add_time()
        self._add_model()
        self._add_flux(self.noise / _STEPS)
        error = np.nan_to_num(curve.flux_err / (self.median * error_step), posinf=0)
        self.arrays["error"] = np.clip(np.round(error), 0, 65535).astype(np.uint16)
        probability = self.content.data.probability
        steps = np.where(
            np.isfinite(probability), np.round(probability * _PROBABILITY_STEPS), _UNKNOWN
        )
        self.arrays["probability"] = steps.astype(np.uint8)
        self.arrays["quality"] = curve.quality.astype(np.int32)
        self.arrays["state"] = self._states()
        return {
            "n_cadences": curve.n_cadences,
            "exposure": curve.exposure,
            "start": start,
            "median_flux": self.median,
            "noise": self.noise,
            "flux_step": self.noise / _STEPS,
            "error_step": error_step,
            "model_step": self._model_step,
            "probability_step": 1 / _PROBABILITY_STEPS,
            "modelled": self.content.data.gp_mu is not None,
            "arrays": {name: _packed(array) for name, array in self.arrays.items()},
        }

    def _add_time(self) -> float:
        """Keep the times; that of row 0 were it on time."""
        curve = self.curve
        rows = np.arange(curve.n_cadences)
        known = np.flatnonzero(np.isfinite(curve.time))[0]
        start = float(curve.time[known] - known * curve.exposure)
        late = (curve.time - start - rows * curve.exposure) * SECONDS_PER_DAY
        chosen = knots(late, _TIME_TOLERANCE)
        self._keep("late", chosen, late[chosen])
        return start

    def _add_model(self) -> None:
        """Keep mean and standard deviation of the Gaussian process, if there is one yet."""
        data = self.content.data
        for name, values in (("mean", data.gp_mu), ("sd", data.gp_sigma)):
            if values is not None:
                steps = _everywhere(values.astype(float)) / (self.median * self._model_step)
                twice = np.diff(np.round(steps).astype(np.int64), 2, prepend=[0, 0])
                self.arrays[name] = twice.astype(np.int32)

    def _keep(self, name: str, rows: np.ndarray, values: np.ndarray) -> None:
        self.arrays[f"{name}_rows"] = rows.astype(np.uint32)
        self.arrays[name] = values

    def _add_flux(self, step: float) -> None:
        """Keep the flux over the mean as the browser has it, exceptions apart."""
        flux = self.curve.flux.astype(float) / self.median
        expected: Any = 1.0
        if "mean" in self.arrays:
            steps_of_mean = np.cumsum(np.cumsum(self.arrays["mean"], dtype=np.int64))
            expected = steps_of_mean * self._model_step
        steps = np.where(self.measured, np.round((flux - expected) / step), 0)
        far = np.abs(steps) >= _ELSEWHERE
        steps = np.where(self.measured, np.where(far, _ELSEWHERE, steps), _MISSING)
        self.arrays["flux"] = steps.astype(np.int16)
        self._keep("far", np.flatnonzero(far), flux[far].astype(np.float32))

    @property
    def _model_step(self) -> float:
        return self.noise / _MODEL_STEPS

    def _states(self) -> np.ndarray:
        searched, data = self.content.searched, self.content.data
        left_out = np.zeros_like(self.usable) if data.left_out is None else data.left_out
        flagged = (self.curve.quality & searched.quality_bitmask) != 0
        state = np.select(
            [searched.evaluated & self.usable, ~self.measured, flagged, left_out & self.usable],
            [0, 1, 2, 3],
            np.where(self.usable, 4, 1),
        )
        return (state + _FLARING * searched.flaring).astype(np.uint8)


def _packed(array: np.ndarray) -> dict[str, Any]:
    little = array.astype(array.dtype.newbyteorder("<"))
    return packed(little.dtype.str.lstrip("<|"), little.tobytes())


def _everywhere(values: np.ndarray) -> np.ndarray:
    """Values with those that are not finite interpolated; 0 where none is finite."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values))
    return np.interp(np.arange(len(values)), np.flatnonzero(known), values[known])


def flare_columns(content: SearchedFile) -> dict[str, list[Any]]:
    """The flares in order of time, with how likely such a flare is found; ready for JSON."""
    flares = content.measured_flares
    n_flares, duration = len(flares["peak"]), flares["equivalent_duration"]
    fraction = low = high = np.full(n_flares, np.nan)
    curve = _curve(content)
    if curve is not None and n_flares:
        positive = duration > 0
        sizes = np.where(positive, duration, 1.0)
        fraction, low, high = (
            np.where(positive, values, np.nan) for values in (curve(sizes), *curve.interval(sizes))
        )
    columns: dict[str, Any] = {
        "number": np.arange(1, n_flares + 1),
        **{name: flares[name] for name in ("start", "stop", "peak", "peak_time", "amplitude")},
        "equivalent_duration": duration,
        **{
            name: flares[name]
            for name in (
                *("equivalent_duration_error", "template_fitted", "energy", "energy_error"),
                *("snr", "max_probability", "reliability", "at_edge"),
            )
        },
        "fwhm_minutes": flares["fwhm"] * MINUTES_PER_DAY,
        "completeness": fraction,
        "completeness_low": low,
        "completeness_high": high,
    }
    shown = {name: [_plain(value) for value in column.tolist()] for name, column in columns.items()}
    return shown | {"found_by": [found_by_in_words(bits) for bits in flares["found_by"]]}


def _curve(content: SearchedFile) -> CompletenessCurve | None:
    """The completeness by equivalent duration; None where no injected flare counts."""
    if content.recovery is None or not content.recovery.n_placed:
        return None
    return content.completeness_curve()


def _completeness(content: SearchedFile) -> dict[str, Any] | None:
    """The curve at its knots, and the size of which half is found."""
    curve = _curve(content)
    if curve is None or content.recovery is None:
        return None
    half, sizes = curve.limit(0.5), np.exp(curve.log_size)
    low, high = curve.interval(sizes)
    facts = star_facts(content.header)
    catalogue = content.id.catalogue
    scale = FlareEnergyScale.of_star(facts["radius"], facts["temperature"], catalogue)
    energy, _ = scale.energy(np.array([1.0]), np.array([0.0]))
    return {
        "n_placed": content.recovery.n_placed,
        "equivalent_duration": [_plain(value) for value in sizes.tolist()],
        **{
            name: [_plain(value) for value in values.tolist()]
            for name, values in (("fraction", curve.fraction), ("low", low), ("high", high))
        },
        "smallest": _plain(curve.smallest),
        "largest": _plain(curve.largest),
        "half": [_plain(half.value), half.relation, _plain(half.low), _plain(half.high)],
        "energy_of_1_s": _plain(energy.item()),
    }


def summary(content: SearchedFile) -> str:
    """The light curve in words, for those who do not see it."""
    searched, time = content.searched, content.search_time()
    text = (
        f"{int(searched.usable.sum()):,} of {content.data.light_curve.n_cadences:,} cadences are "
        f"usable, {time.searched:.2f} d were searched."
    )
    flares = content.measured_flares
    if content.data.flares is None:
        return f"{text} {searched.n_flares} flares found, not measured yet: no model."
    if not len(flares["peak"]):
        return f"{text} No flare was found."
    largest = int(np.argmax(flares["equivalent_duration"]))
    found = "1 flare" if len(flares["peak"]) == 1 else f"{len(flares['peak'])} flares"
    return (
        f"{text} {found} found; the largest peaks at {flares['peak_time'][largest]:.4f} BTJD with "
        f"an equivalent duration of {flares['equivalent_duration'][largest]:.3g} s."
    )


def _plain(value: Any) -> Any:
    """A value for JSON: ten digits, as in the tables; None where it is not finite."""
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value
