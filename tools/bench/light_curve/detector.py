"""The detector on one core: a whole light curve, and one injection in bulk, beside stella."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from tools.bench.light_curve import flops
from tools.bench.light_curve.searched import Ensemble, Searched
from tools.bench.measuring.curves import observe, steady_curve
from tools.bench.measuring.timing import Samples, alternate, timed
from tools.bench.reference.process import Reference
from tools.bench.report.table import Row, compared

KERAS_WAYS = ("predict", "call", "compiled")


@dataclass
class DetectorFindings:
    """The lines of the table, and what other lines and sentences need.

    `keras` are the seconds of an injection by `model.predict`.
    """

    rows: list[Row]
    flops_per_cadence: float
    flops_per_injection: float
    keras: Samples | None
    answers: list[str]
    reference_bytes: float


def measure(
    ensemble: Ensemble, reference: Reference | None, repeats: int, n_flares: int
) -> DetectorFindings:
    """Detection and injections, ours and the reference in turn."""
    observation = observe(steady_curve())
    searched = Searched(ensemble, observation)
    n_injections = n_flares * ensemble.config.inject.n_repeat
    turn = iter(range(repeats))

    def detect() -> float:
        return timed(lambda: ensemble.probability(observation.flux))[0]

    def inject() -> float:
        first = next(turn) * n_flares % (ensemble.config.inject.n_inject - n_flares + 1)
        return timed(lambda: searched.recovered(first, first + n_flares))[0] / n_injections

    detect()
    with flops.counted_injections() as counts:
        searched.recovered(0, n_flares)
    detection = flops.detection(len(observation.flux), len(ensemble.networks))
    injection = sum(counts) / n_injections
    beside = None if reference is None else _Beside(reference, searched)
    works = {"detect": detect, "inject": inject} | ({} if beside is None else beside.works())
    samples = dict(zip(works, alternate(repeats, *works.values()), strict=True))
    memory, answers = nan, []
    if beside is not None:
        memory, answers = beside.memory(), [beside.answer()]
        samples["again"] = beside.whole_curve_again(min(repeats, 2))
    return DetectorFindings(
        _rows(samples, detection, injection),
        detection / len(observation.flux),
        injection,
        samples.get("predict"),
        answers,
        memory,
    )


def _rows(samples: dict[str, Samples], detection: float, injection: float) -> list[Row]:
    """Detection, an injection, and the same injection beside every other way that is known."""
    ours = samples["inject"]
    ways = {
        "`model(x)`": samples.get("call"),
        "a graph compiled for its 64 windows": samples.get("compiled"),
        "the whole curve predicted again": samples.get("again"),
        "published (quoted)": Samples.of([3.0]),
    }
    return [
        compared(
            "detect: 20,000 cadences x 10 models",
            "`stella.predict`",
            samples.get("stella"),
            samples["detect"],
            target="<= 0.6 s, >= 20 x",
            at_most=0.6,
            at_least=20,
            flops=detection,
        ),
        compared(
            "one injection, 10 models, end to end, in bulk",
            "preloaded Keras, `model.predict`",
            samples.get("predict"),
            ours,
            target="<= 0.6 ms, >= 500 x",
            at_most=0.6e-3,
            at_least=500,
            flops=injection,
        ),
        *(compared(f"- beside: {name}", "", way, ours) for name, way in ways.items() if way),
    ]


class _Beside:
    """The reference on the same light curve, and one injection into it."""

    def __init__(self, reference: Reference, searched: Searched) -> None:
        light_curve = searched.observation.light_curve
        self._reference, self._searched = reference, searched
        self._answers = reference.data("answers").removesuffix(".npz") + ".npy"
        self._flux, self._window = light_curve.flux, _one_injection(searched, 0, 0)
        self._columns = {
            "time": light_curve.time,
            "error": light_curve.flux_err,
            "answers": self._answers,
        }
        self._curve = reference.data("curve", flux=self._flux, **self._columns)
        self._injection = reference.data("injection", **self._window)

    def works(self) -> dict[str, Callable[[], float]]:
        """The timed calls: stella's detection, and an injection in each of Keras' ways."""
        return {"stella": lambda: self._predict(self._curve)} | {
            how: lambda how=how: float(self._inject(how)["seconds"]) for how in KERAS_WAYS
        }

    def memory(self) -> float:
        """The most bytes that it needed so far."""
        return float(self._reference.do("memory")["bytes"])

    def whole_curve_again(self, repeats: int) -> Samples:
        """An injection the way most people do it: the whole curve again, flare included."""
        injected = self._flux * (1 + self._window["everywhere"])
        curve = self._reference.data("injected", flux=injected, **self._columns)
        return Samples.of(self._predict(curve) for _ in range(repeats))

    def answer(self) -> str:
        """How far probabilities are apart: stella's and ours, and those of an injection."""
        observation, window = self._searched.observation, self._window
        theirs = np.load(self._answers)  # of stella's latest detection
        left_out = theirs[0] == np.median(theirs[0][:100])  # the answer to a window of zeros
        both = observation.evaluated & ~left_out
        of_stella = np.max(np.abs(theirs - self._searched.by_model)[:, both])
        injected = window["flux"] + window["flare"]
        ours = self._searched.ensemble.probability(injected / np.median(injected))
        first = int(window["peak"]) - 32
        around = np.array(self._inject("call")["probability"]) - ours[first : first + 64]
        return (
            "- Largest difference of a probability to stella's, over ten models and all cadences "
            f"that both evaluate: {of_stella:.1e}; of the median around an injected flare: "
            f"{np.max(np.abs(around)):.1e} (float32 in both)."
        )

    def _predict(self, curve: str) -> float:
        return float(self._reference.do("predict", curve=curve)["seconds"])

    def _inject(self, how: str) -> dict[str, Any]:
        return self._reference.do("inject", curve=self._injection, how=how)


def _one_injection(searched: Searched, flare: int, repeat: int) -> dict[str, np.ndarray]:
    """An injection as the reference gets it: relative flux, flare, and 64 windows around it."""
    observation, injections = searched.observation, searched.injections
    peak = int(injections.cadence[flare, repeat])
    shape = mean_flare_shape(
        observation.time - injections.time[flare, repeat],
        injections.fwhm[flare],
        observation.light_curve.exposure,
    )
    flare_flux = injections.amplitude[flare] * shape
    return {
        "flux": observation.flux,
        "flare": flare_flux,
        "everywhere": flare_flux.astype(np.float32),
        "first": np.array(peak - 32 - 100),
        "n_windows": np.array(64),
        "peak": np.array(peak),
    }
