"""What a sector file does not hold: refused events, and stella at the same false-alarm rate.

The light curve is searched by significance once more, as in stage `model`. Of its mirror images,
stella's probability gives the number of events at any threshold. The threshold is moved to the
lowest at which, from there upwards, stella has no more events than the search by significance has,
in the inverted image and, on average, in shuffled ones: a light curve has an event or two in one
image, which is too few to compare. With that threshold it searches for the injected flares again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.detection.flare_mask import MaskRule, flare_mask
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.significance.finding import Found, find_flares, find_with_noise_raised
from cvzmpi.cvz.detection.significance.images import Image, MirrorImage, mirror_image
from cvzmpi.cvz.detection.significance.vetting import Vetting
from cvzmpi.cvz.detection.significance.whitened.samples import Samples
from cvzmpi.cvz.detection.stella import published_models
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector, StellaEvaluation
from cvzmpi.cvz.injection.injection import InjectionSearch
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.cvz.work.stages import FLARES_PER_TICKET
from tools.bench.detection.searched_light_curve import SearchedLightCurve

THRESHOLDS = (*np.arange(0.02, 0.98, 0.02), 0.98, 0.985, 0.99, 0.993, 0.996, 0.998, 0.999)
_N_PROCESSES = 2
_N_SHUFFLED = 8  # shuffled images of a light curve


@dataclass(frozen=True)
class Refused:
    """An event of the search by significance that is no flare by its rules."""

    row: int  # of the light curve
    snr: float
    vetting: int  # bits of `Vetting`
    amplitude: float
    fwhm: float  # days

    @property
    def reason(self) -> str:
        """The rules in words."""
        names = [rule.name.lower() for rule in Vetting if rule & self.vetting and rule.name]
        return f"{', '.join(names) or 'below min_snr'} (S/N {self.snr:.1f})"


@dataclass(frozen=True)
class EqualFalseAlarms:
    """Injected flares found by stella with as few false alarms as the other search has."""

    threshold: float
    # events of stella at this threshold, and of the other search: those in the inverted image, and
    # the mean of those in shuffled ones
    n_false: float
    n_false_significance: float
    stella: float  # found fraction of injected flares at this threshold
    significance: float
    n_counted: int  # repeats that count for both
    n_differing: int  # of these, repeats that one of the two finds and the other does not

    @property
    def error(self) -> float:
        """Standard error of the difference by chance, as if the repeats were independent."""
        return float(np.sqrt(self.n_differing)) / self.n_counted


@dataclass(frozen=True)
class SecondLook:
    """What was learnt of one light curve."""

    refused: list[Refused]
    equal: EqualFalseAlarms

    @classmethod
    def read(cls, path: Path) -> SecondLook:
        """Read what `take` left."""
        values = json.loads(path.read_text())
        refused = [Refused(**item) for item in values["refused"]]
        return cls(refused, EqualFalseAlarms(**values["equal"]))


def second_looks(paths: Sequence[Path]) -> list[SecondLook]:
    """Take a second look at sector files, two at a time; those that are newer than it again."""
    kept = [path.with_suffix(".json") for path in paths]
    old = [
        path
        for path, beside in zip(paths, kept, strict=True)
        if not beside.exists() or beside.stat().st_mtime < path.stat().st_mtime
    ]
    if old:
        with ProcessPoolExecutor(_N_PROCESSES, get_context("spawn")) as pool:
            list(pool.map(take, old))
    return [SecondLook.read(beside) for beside in kept]


def take(path: Path) -> None:
    """Search a light curve again, and write what was learnt beside its sector file."""
    light_curve = SearchedLightCurve.read(path, [])
    file = light_curve.file
    config = load(None, [f"{key}={json.dumps(value)}" for key, value in file.config.items()])
    observation = Observation.prepare(file.data.light_curve, config, StellaDetector.window)
    detector = StellaDetector(published_models.load(published_models.packed_file()))
    detector.prepare()
    rows = observation.rows
    rule = MaskRule.of(config.detect)
    probability = file.data.probability[rows]
    detection = Detection.apply(rule, probability, observation.evaluated)
    raised = file.data.noise_raised
    assert raised is not None
    stella = flare_mask(detection.flares, len(rows))
    found = find_flares(observation, stella, config)
    if (raised > 1).any():
        found = find_with_noise_raised(found, raised)
    refused = [
        Refused(
            int(rows[item.event.number]),
            item.snr,
            int(item.refused),
            item.fit.amplitude,
            item.fit.fwhm * observation.light_curve.exposure,
        )
        for item in found.refused
    ]
    images = _mirror_images(file, observation, found, config)
    look = SecondLook(refused, _equal(light_curve, observation, detector, config, images))
    path.with_suffix(".json").write_text(json.dumps(asdict(look), default=float))


def lowest_threshold(n_events: Sequence[float], n_allowed: float) -> int:
    """The lowest threshold from which on upwards no more events than allowed are found.

    Parameters
    ----------
    n_events : sequence of float
        By threshold, in rising order. A low threshold may have few events, all run together.

    Returns
    -------
    int
        Its index; that of the highest threshold if all have more.
    """
    too_many = np.flatnonzero(np.asarray(n_events) > n_allowed)
    return min(int(too_many[-1]) + 1 if len(too_many) else 0, len(n_events) - 1)


def _mirror_images(
    file: SectorContent, observation: Observation, found: Found, config: Config
) -> list[MirrorImage]:
    """The inverted image, and shuffled ones in as many orders."""
    assert file.data.gp_mu is not None
    mean = file.data.gp_mu[observation.rows] / observation.median_flux
    samples, unit = Samples.of(observation), observation.light_curve.id
    inverted = mirror_image(Image.INVERTED, samples, found, mean, (config.seed, *unit))
    return [inverted] + [
        mirror_image(Image.SHUFFLED, samples, found, mean, (config.seed + number, *unit))
        for number in range(_N_SHUFFLED)
    ]


def _false_events(n_events: Sequence[int]) -> float:
    """Events in the inverted image, and the mean of those in the shuffled ones."""
    inverted, *shuffled = n_events
    return inverted + float(np.mean(shuffled))


def _equal(
    light_curve: SearchedLightCurve,
    observation: Observation,
    detector: StellaDetector,
    config: Config,
    images: Sequence[MirrorImage],
) -> EqualFalseAlarms:
    """Move stella's threshold, and search for the injected flares with it."""
    rules = [replace(MaskRule.of(config.detect), threshold=float(t)) for t in THRESHOLDS]
    probabilities = [
        np.where(
            observation.evaluated,
            evaluate(image.flux, detector.networks).probability(),
            np.float32(np.nan),
        )
        for image in images
    ]
    n_events = [_false_events([len(rule.flares(p)) for p in probabilities]) for rule in rules]
    n_allowed = _false_events([len(image.events) for image in images])
    number = lowest_threshold(n_events, n_allowed)
    rule = rules[number]

    data, recovery = light_curve.file.data, light_curve.file.recovery
    assert data.injections is not None
    assert recovery is not None
    assert recovery.recovered_significance is not None
    cadence = np.searchsorted(observation.rows, data.injections.cadence)
    injections = replace(data.injections, cadence=cadence)
    evaluation = StellaEvaluation(detector, evaluate(observation.flux, detector.networks))
    tolerance = light_curve.tolerance
    search = InjectionSearch(detector, rule, tolerance, evaluation, observation)
    n = len(cadence)
    tickets = [slice(k, min(k + FLARES_PER_TICKET, n)) for k in range(0, n, FLARES_PER_TICKET)]
    answers = np.concatenate([search.recovered(injections, ticket) for ticket in tickets])
    # away from what the two searches find in the light curve itself
    _, counted = light_curve.recovered()
    own = Detection.apply(rule, evaluation.probability(), observation.evaluated)
    counted &= np.isin(cadence, own.candidates(observation.evaluated, tolerance))
    return EqualFalseAlarms(
        threshold=rule.threshold,
        n_false=n_events[number],
        n_false_significance=n_allowed,
        stella=float(answers[counted].mean()),
        significance=float(recovery.recovered_significance[counted].mean()),
        n_counted=int(counted.sum()),
        n_differing=int(np.sum((answers != recovery.recovered_significance)[counted])),
    )
