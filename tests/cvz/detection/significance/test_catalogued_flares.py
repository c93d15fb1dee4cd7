"""The search of real light curves: catalogued flares, mirror images, injected flares."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.detection.significance.injected import InjectedSignificance
from cvzmpi.cvz.detection.significance.search import search_by_significance
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.injection.injection import FLARE_FLOOR, draw_injections
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.observation import Observation

CONFIG = Config()
RULE = MaskRule.of(CONFIG.detect)
BTJD_ZERO = 2457000
MARGIN = 3  # cadences around a found flare in which the peak of the catalogue may lie
BRIGHTEST = (261136679, 1)
DEMO = (358108509, 1)

# TIC and sector of the stars that are in the catalogue of Guenther et al. 2020 (AJ 159, 60), which
# has sectors 1 and 2, and of others with few flares (TIC 166527623 has one of S/N 30)
FLARING = [(tic, 1) for tic in (31740375, 32150630, 149603524, 410214986, 425933644)]
QUIET = [
    *((25155310, 1), (53842685, 1), (117544915, 1), BRIGHTEST, (257605131, 4)),
    *((159873822, sector) for sector in (16, 23, 24)),
]


@pytest.fixture(scope="module")
def searched(real_file, networks, request):
    """Every light curve with its searches; each is searched once."""
    done = {}

    def search(key):
        if key not in done:
            file = request.getfixturevalue("demo_file") if key == DEMO else real_file(*key)
            observation = Observation.prepare(read_light_curve(file), CONFIG, StellaDetector.window)
            probability = evaluate(observation.flux, networks).probability()
            detection = Detection.apply(RULE, probability, observation.evaluated)
            found = search_by_significance(observation, detection.flares, CONFIG)
            done[key] = observation, detection, found
        return done[key]

    return search


@pytest.fixture(scope="module")
def recalled(searched, shared_data):
    """Whether each catalogued flare of a star is found."""
    with (shared_data / "flares_guenther2020.csv").open(newline="") as file:
        catalogue = [
            ((int(row["tic"]), int(row["sector"])), float(row["tpeak_bjd"]) - BTJD_ZERO)
            for row in csv.DictReader(file)
        ]

    def recalled(key):
        observation, _, found = searched(key)
        time, margin = observation.time, MARGIN * observation.light_curve.exposure
        peaks = np.array([peak for of, peak in catalogue if of == key])
        nearest = np.abs(time[:, None] - peaks).min(axis=0)
        bounds = time[found.star.flares]
        within = (bounds[:, :1] - margin <= peaks) & (peaks <= bounds[:, 1:] + margin)
        return within.any(axis=0)[nearest < margin]  # of the others nothing was observed

    return recalled


@pytest.mark.parametrize("key", FLARING)
def test_of_each_star_nine_of_ten_catalogued_flares_are_found(recalled, key):
    found = recalled(key)
    assert len(found) > 0
    assert found.mean() >= 0.9 or len(found) < 5


def test_of_all_catalogued_flares_95_of_100_are_found(recalled):
    found = np.concatenate([recalled(key) for key in (*FLARING, DEMO)])
    assert len(found) == 41
    assert found.mean() >= 0.95


def test_the_inverted_light_curves_of_quiet_stars_hold_half_an_event_each(searched):
    n_false = [len(searched(key)[2].images[Image.INVERTED].flares) for key in QUIET]
    assert np.mean(n_false) <= 0.5


def test_a_noisy_star_has_the_flares_that_stand_out(searched):
    """Stella says 150 of it."""
    _, detection, found = searched((425933644, 1))
    assert len(detection.flares) > 100
    assert len(found.star.flares) < 40
    assert found.star.columns["snr"].min() >= CONFIG.significance.min_snr


def test_of_the_brightest_star_nearly_half_of_the_injected_flares_are_found(searched):
    observation, detection, found = searched(BRIGHTEST)
    config = CONFIG.inject.model_copy(update={"n_inject": 100, "n_repeat": 2})
    draws = draw_injections(
        config,
        (CONFIG.seed, *BRIGHTEST),
        observation.flux_error,
        detection.candidates(observation.evaluated, config.peak_tolerance),
        observation.time,
        observation.light_curve.exposure,
    )
    search = InjectedSignificance(
        observation,
        found.fit.kernel,
        found.fit.parameters,
        found.event_model,
        found.left_out,
        found.noise_raised,
        CONFIG.significance.min_snr,
        FLARE_FLOOR * observation.flux_error,
    )
    answers = search.recovered(draws.amplitude, draws.fwhm, draws.cadence, draws.time)
    assert 0.45 <= answers.mean() < 0.7
