"""Ten real light curves: read as they are, cut at their gaps, and known flares found in them."""

from __future__ import annotations

import csv
from dataclasses import dataclass

import numpy as np
import pytest

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import Detection
from cvzmpi.cvz.detection.stella.ensemble import evaluate
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.observation import Observation, segments

CONFIG = Config()
RULE = MaskRule.of(CONFIG.detect)
BTJD_ZERO = 2457000

# TIC, sector: rows, usable cadences, segments, flares that we find with the defaults
KNOWN = {
    (25155310, 1): (20076, 18104, 9, 6),
    (149603524, 1): (20076, 18104, 9, 10),
    (261136679, 1): (20076, 18279, 9, 0),
    (410214986, 1): (20076, 18103, 9, 11),
    (425933644, 1): (20076, 18277, 9, 150),
    (257605131, 4): (18684, 15796, 3, 3),
    (166527623, 11): (19527, 13887, 2, 3),
    (159873822, 16): (17765, 14919, 2, 2),
    (159873822, 23): (19279, 14999, 2, 5),
    (159873822, 24): (19074, 18217, 2, 3),
}

# The ones of test_real_quality_marks.py.


@dataclass(frozen=True)
class Searched:
    observation: Observation
    detection: Detection


@pytest.fixture(scope="module")
def searched(real_file, networks):
    """Every light curve with what the detector says of it; each is searched once."""
    done = {}

    def search(tic, sector):
        if (tic, sector) not in done:
            observation = Observation.prepare(
                read_light_curve(real_file(tic, sector)), CONFIG, StellaDetector.window
            )
            evaluation = evaluate(observation.flux, networks)
            probability = evaluation.probability()
            detection = Detection.apply(RULE, probability, observation.evaluated)
            done[tic, sector] = Searched(observation, detection)
        return done[tic, sector]

    return search


def test_all_are_found_in_their_directory(shared_data):
    sources, rejected = scan_directory(shared_data / "tess")
    assert rejected == []
    found = [s.id for s in sources]
    assert found == sorted(found)
    assert {LightCurveId(*known) for known in KNOWN} <= set(found)
    assert not any(s.others for s in sources)


@pytest.mark.parametrize(("tic", "sector"), sorted(KNOWN))
def test_reading_keeps_every_row(real_file, tic, sector):
    light_curve = read_light_curve(real_file(tic, sector))
    rows, usable, *_ = KNOWN[tic, sector]
    assert (light_curve.tic, light_curve.sector) == (tic, sector)
    for column in ("time", "flux", "flux_err", "quality"):
        values = getattr(light_curve, column)
        assert values.shape == (rows,)
        assert values.dtype.isnative
    assert light_curve.usable(CONFIG.light_curve.quality_bitmask).sum() == usable
    assert light_curve.header["OBJECT"] == f"TIC {tic}"
    assert light_curve.header["input_file"].endswith("_lc.fits")
    assert all(isinstance(fact, str | int | float) for fact in light_curve.header.values())


@pytest.mark.parametrize(("tic", "sector"), sorted(KNOWN))
def test_they_are_searched_but_for_half_a_window_at_gaps_and_ends(searched, tic, sector):
    observation, detection = searched(tic, sector).observation, searched(tic, sector).detection
    *_, n_segments, n_flares = KNOWN[tic, sector]
    pieces = segments(observation.time, observation.light_curve.exposure, CONFIG.detect.max_gap)
    assert len(pieces) == n_segments
    lengths = np.array([piece.stop - piece.start for piece in pieces])
    assert observation.evaluated.sum() == np.maximum(lengths - 199, 0).sum()
    np.testing.assert_array_equal(np.isfinite(detection.probability), observation.evaluated)
    assert detection.probability[observation.evaluated].min() >= 0
    assert detection.probability[observation.evaluated].max() <= 1
    assert abs(len(detection.flares) - n_flares) <= 1  # rounding may decide about one


def test_catalogued_flares_are_found_wherever_the_detector_looks(searched, shared_data):
    """Those of Guenther et al. 2020 (AJ 159, 60), some of half a per cent; and not by calling
    everything a flare.
    """
    with (shared_data / "flares_guenther2020.csv").open(newline="") as file:
        catalogue = [
            (int(row["tic"]), int(row["sector"]), float(row["tpeak_bjd"]) - BTJD_ZERO)
            for row in csv.DictReader(file)
        ]
    found, missed, not_looked_at = [], [], []
    for tic, sector, peak in catalogue:
        if (tic, sector) not in KNOWN:
            continue
        observation, detection = searched(tic, sector).observation, searched(tic, sector).detection
        nearest = np.argmin(np.abs(observation.time - peak))
        margin = 3 * observation.light_curve.exposure
        covered = any(
            observation.time[first] - margin <= peak <= observation.time[last] + margin
            for first, last in detection.flares
        )
        if not observation.evaluated[nearest]:
            not_looked_at.append((tic, peak))
        else:
            (found if covered else missed).append((tic, peak))
    assert missed == []
    assert len(found) >= 23
    assert len(not_looked_at) <= 2
    assert {tic for tic, _ in found} == {149603524, 410214986, 425933644}


@pytest.mark.parametrize(("tic", "sector"), sorted(KNOWN.keys() - {(425933644, 1)}))
def test_most_of_a_star_is_not_flaring(searched, tic, sector):
    assert searched(tic, sector).detection.mask.mean() < 0.01


def test_the_most_active_star_flares_an_eighth_of_the_time(searched):
    assert 0.08 < searched(425933644, 1).detection.mask.mean() < 0.18
