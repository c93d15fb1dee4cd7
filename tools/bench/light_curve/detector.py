"""The detector on one core: a whole light curve, and one injection in bulk, beside stella."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.ensemble import ensemble_probability, evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector, StellaEvaluation
from cvzmpi.cvz.injection.flare_shape import mean_flare_shape
from cvzmpi.cvz.injection.injection import (
    Injections,
    InjectionSearch,
    draw_injections,
)
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench.light_curve import flops
from tools.bench.measuring.curves import observe, steady_curve
from tools.bench.measuring.timing import Samples, alternate, timed
from tools.bench.reference.process import Reference

KERAS_WAYS = ("predict", "call", "compiled")


class Ensemble:
    """The ten networks and all that follows from them and the default configuration."""

    def __init__(self) -> None:
        self.detector = StellaDetector(published_models.load(published_models.default_file()))
        self.networks = self.detector.networks
        self.config = Config()
        self.rule = MaskRule.of(self.config.detect)
        self.tolerance = self.config.inject.peak_tolerance

    def probability(self, flux: np.ndarray, n_models: int = 10) -> np.ndarray:
        """What stage `detect` computes: the flare probability at every cadence."""
        networks = self.networks[:n_models]
        return evaluate(flux, networks).probability()


class Searched:
    """A light curve with its injections, ready to be searched."""

    def __init__(self, ensemble: Ensemble, observation: Observation) -> None:
        config = ensemble.config
        light_curve = observation.light_curve
        self.ensemble, self.observation = ensemble, observation
        evaluation = evaluate(observation.flux, ensemble.networks)
        by_model = evaluation.model_probabilities()
        self.by_model = by_model
        self.detection = Detection.apply(
            ensemble.rule, ensemble_probability(by_model), observation.evaluated
        )
        self.injections: Injections = draw_injections(
            config.inject,
            (config.seed, *light_curve.id),
            observation.flux_error,
            self.detection.candidates(observation.evaluated, ensemble.tolerance),
            observation.time,
            light_curve.exposure,
        )
        self.search = InjectionSearch(
            ensemble.detector,
            ensemble.rule,
            ensemble.tolerance,
            StellaEvaluation(ensemble.detector, evaluation),
            observation,
        )

    def recovered(self, first: int, last: int) -> np.ndarray:
        """Search the flares `first` to `last - 1`, in portions as the stage has them."""
        tickets = [
            slice(start, min(start + FLARES_PER_TICKET, last))
            for start in range(first, last, FLARES_PER_TICKET)
        ]
        return np.concatenate([self.search.recovered(self.injections, t) for t in tickets])


@dataclass
class DetectorTimes:
    """Seconds, operations and how far the answers are apart."""

    detect: Samples
    detect_flops: float
    injection: Samples
    injection_flops: float
    stella: Samples | None = None
    stella_difference: float = float("nan")
    full_prediction: Samples | None = None
    keras: dict[str, Samples] = field(default_factory=dict)
    keras_difference: float = float("nan")
    reference_bytes: float = float("nan")


def measure(
    ensemble: Ensemble, reference: Reference | None, repeats: int, n_flares: int
) -> DetectorTimes:
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
    detect_flops = flops.detection(len(observation.flux), len(ensemble.networks))
    injection_flops = sum(counts) / n_injections
    if reference is None:
        ours = alternate(repeats, detect, inject)
        return DetectorTimes(ours[0], detect_flops, ours[1], injection_flops)

    light_curve = observation.light_curve
    columns = {"time": light_curve.time, "error": light_curve.flux_err}
    answers = reference.data("answers").removesuffix(".npz") + ".npy"
    curve = reference.data("curve", flux=light_curve.flux, answers=answers, **columns)
    window = _one_injection(searched, 0, 0)
    one = reference.data("injection", **window)

    def stella() -> float:
        return float(reference.do("predict", curve=curve)["seconds"])

    def keras(how: str) -> float:
        return float(reference.do("inject", curve=one, how=how)["seconds"])

    ways = [lambda how=how: keras(how) for how in KERAS_WAYS]
    samples = alternate(repeats, detect, inject, stella, *ways)
    theirs = np.load(answers)
    memory = float(reference.do("memory")["bytes"])
    # An injection the way most people do it: the whole curve again, flare included.
    injected = light_curve.flux * (1 + window["everywhere"])
    whole = reference.data("injected", flux=injected, answers=answers, **columns)
    full = [float(reference.do("predict", curve=whole)["seconds"]) for _ in range(min(repeats, 2))]
    return DetectorTimes(
        detect=samples[0],
        detect_flops=detect_flops,
        injection=samples[1],
        injection_flops=injection_flops,
        stella=samples[2],
        stella_difference=_difference(theirs, searched.by_model, observation),
        full_prediction=Samples.of(full),
        keras=dict(zip(KERAS_WAYS, samples[3:], strict=True)),
        keras_difference=_injected_difference(reference, one, searched, window),
        reference_bytes=memory,
    )


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


def _difference(theirs: np.ndarray, ours: np.ndarray, observation: Observation) -> float:
    """Largest difference of a probability where stella and we both look."""
    left_out = theirs[0] == np.median(theirs[0][:100])  # the answer to a window of zeros
    both = observation.evaluated & ~left_out
    return float(np.max(np.abs(theirs - ours)[:, both]))


def _injected_difference(
    reference: Reference, one: str, searched: Searched, window: dict[str, np.ndarray]
) -> float:
    """Largest difference of the probabilities of one injection, both with the new median."""
    theirs = np.array(reference.do("inject", curve=one, how="call")["probability"])
    injected = window["flux"] + window["flare"]
    ours = searched.ensemble.probability(injected / np.median(injected))
    first = int(window["peak"]) - 32
    return float(np.max(np.abs(theirs - ours[first : first + 64])))
