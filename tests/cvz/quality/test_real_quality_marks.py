"""Quality marks of real stars: eclipses and pulsations are marked, flare stars are not."""

import json

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.quality.quality_marks import quality_marks
from cvzmpi.cvz.quiet_star.gaussian_process import fit_gaussian_process
from cvzmpi.cvz.sector_file.data import SectorData
from tests.cvz.found_flares import table_of

CONFIG = Config()
RULE = MaskRule.of(CONFIG.detect)


def searched_light_curve(path, networks):
    """As a job leaves it at checkpoint `model`, without its injections."""
    light_curve = read_light_curve(path)
    observation = Observation.prepare(light_curve, CONFIG, StellaDetector.window)
    evaluation = evaluate(observation.flux, networks)
    probability = evaluation.probability()
    detection = Detection.apply(RULE, probability, observation.evaluated)
    data = SectorData(
        light_curve,
        observation.spread(detection.probability, np.float32, np.nan),
        detection.row_mask(observation),
    )
    median = observation.median_flux
    used = observation.spread(observation.evaluated, bool, False) & ~data.flare_mask
    fit = fit_gaussian_process(
        light_curve.time,
        light_curve.flux / median,
        light_curve.flux_err / median,
        used,
        CONFIG.model,
    )
    data.gp_mu = fit.mean * median
    data.gp_facts = {
        "gp_converged": fit.converged,
        **{f"gp_{name}": value for name, value in fit.parameters.items()},
    }
    rows = observation.rows
    data.flares = table_of(observation, detection, fit.mean[rows], fit.sd[rows])
    return data


@pytest.mark.parametrize(
    ("tic", "expected"),
    [
        (117544915, {"negative_durations", "periodic_detections"}),  # an eclipsing binary
        (53842685, {"negative_durations", "periodic_detections"}),  # a pulsator
        (32150630, {"periodic_detections"}),  # an eclipsing binary that flares as well
        (425933644, set()),  # the most active flare star, a rotator with sharp spots
        (31740375, set()),
        (410214986, set()),  # a binary: a third of the light is the companion's
    ],
)
def test_only_what_is_no_flare_star_is_marked(real_file, networks, tic, expected):
    data = searched_light_curve(real_file(tic, 1), networks)
    marks = quality_marks(data, json.loads(CONFIG.science_json()))
    assert {mark.name for mark in marks} == expected
