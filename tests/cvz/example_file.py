"""A small sector file with plausible content, made without the networks and in no time."""

from dataclasses import replace

import numpy as np

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.detection.flare_mask import MaskRule
from cvzmpi.cvz.detection.flares import VETTING, Detection
from cvzmpi.cvz.detection.stella.stella_detector import StellaDetector
from cvzmpi.cvz.injection.flare_shape import equivalent_duration, mean_flare_shape
from cvzmpi.cvz.injection.injection import draw_injections
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.observation import Observation
from cvzmpi.cvz.reliability.estimate import reliability_alone
from cvzmpi.cvz.reliability.statistic import DEFAULT_THRESHOLDS
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.recovery_writer import RecoveryWriter
from cvzmpi.cvz.sector_file.writing import write_sector_file
from tests.cvz.found_flares import table_of
from tools.harness.old_sector_file import write_version_1

TIC, SECTOR = 123456789, 7
EXPOSURE = 120 / 86400
PEAKS = (400, 1900)  # cadences of the two flares; the second one is the larger
CONFIG = Config.model_validate({"seed": 7, "inject": {"n_inject": 300, "n_repeat": 4}})
GP_FACTS = {
    "gp_kernel": "rotation",
    "gp_converged": True,
    "gp_message": "CONVERGENCE",
    "gp_log_likelihood": 1234.5,
    "gp_n_evaluations": 17,
    "gp_sigma": 0.004,
    "gp_period_d": 2.5,
    "gp_Q0": 0.9,
    "gp_dQ": 3.0,
    "gp_f": 0.5,
    "gp_jitter": 1e-5,
    "gp_mean": 1.0,
}


def write_example(
    path,
    *,
    model=True,
    n_done=300,
    flares=PEAKS,
    facts=GP_FACTS,
    tic=TIC,
    sector=SECTOR,
    header=(),
    change=None,
    other=None,
    version=2,
):
    """Write the file as far as checkpoint `detect`, or `model` with `n_done` injections done.

    `header` is added to that of the light curve, and `change` may edit the data before they are
    written, as what jobs of other versions may have written. `other` are the answers of the
    significance search for the 300 injected flares and 4 places; without it, those of stella. A
    file of format `version` 1 is of stella alone.
    """
    light_curve = _light_curve(flares, tic, sector)
    light_curve.header.update(header)
    observation = Observation.prepare(light_curve, CONFIG, StellaDetector.window)
    detection = _detection(observation, flares)
    data = SectorData(
        light_curve,
        observation.spread(detection.probability, np.float32, np.nan),
        detection.row_mask(observation),
        seconds={"download": 0.02, "detect": 0.8},
    )
    provenance = Provenance(
        CONFIG.science_json(), CONFIG.science_hash(), CONFIG.seed, "ab" * 32, {"cvzmpi": "0.1.0"}
    )
    if model:
        _add_model(data, observation, detection, facts)
    if change is not None:
        change(data)
    {1: write_version_1, 2: write_sector_file}[version](path, data, provenance)
    if model:
        # what is found is decided by the equivalent duration, but for the last place of each
        recovered = np.repeat(data.equivalent_duration[:, None] > 10, 4, axis=1)
        recovered[:, 3] = True
        with RecoveryWriter(path) as writer:
            both = (recovered[:n_done], (recovered if other is None else other)[:n_done])
            writer.write_rows(slice(0, n_done), *both[:version])
            writer.count_down(len(recovered) - n_done, 1.2)
    return path


def _light_curve(flares, tic, sector):
    rng = np.random.default_rng(3)
    n = 2600
    time = 1500 + EXPOSURE * np.arange(n)
    time[1200:] += 1.5  # a gap
    flux = 1 + 0.004 * np.sin(2 * np.pi * time / 2.5) + 0.002 * rng.standard_normal(n)
    for number, peak in enumerate(flares):
        flux += 0.05 * (number + 1) * mean_flare_shape(time - time[peak], 0.005, EXPOSURE)
    flux *= 1000
    flux[700:720] = np.nan
    quality = np.zeros(n, np.int32)
    quality[50:60] = 16
    return LightCurve(
        tic=tic,
        sector=sector,
        time=time,
        flux=flux.astype(np.float32),
        flux_err=np.full(n, 2.0, np.float32),
        quality=quality,
        exposure=EXPOSURE,
        header={"TESSMAG": 9.87, "TEFF": 3210.0},  # and no RADIUS
    )


def _detection(observation, flares):
    probability = np.full(len(observation.rows), 0.01, np.float32)
    for peak in np.searchsorted(observation.rows, flares):
        probability[peak - 2 : peak + 12] = 0.97
    rule = MaskRule.of(CONFIG.detect)
    return Detection.apply(rule, probability, observation.evaluated)


def _add_model(data, observation, detection, facts):
    mean = 1 + 0.004 * np.sin(2 * np.pi * observation.time / 2.5)
    sd = np.full(len(mean), 0.0004)
    median = observation.median_flux
    data.gp_mu = observation.spread(mean * median, float, np.nan)
    data.gp_sigma = observation.spread(sd * median, float, np.nan)
    data.gp_facts = facts
    data.flares = table_of(observation, detection, mean, sd, detection.flares)
    data.significance = observation.spread(
        (observation.flux - mean) / observation.flux_err, np.float32, np.nan
    )
    data.significance_mask = data.flare_mask
    fitted = observation.evaluated & ~detection.mask
    data.left_out = observation.spread(~fitted, bool, False)
    data.event_model = np.zeros_like(data.significance)
    data.noise_raised = np.ones(3)
    data.mirror_events = {
        "image": np.array([1, 2]),
        "peak": observation.rows[[200, 210]],
        "peak_time": observation.time[[200, 210]],
        "found_by": np.array([1, 2]),
        "snr": np.array([2.5, 5.5]),
        "max_probability": np.array([0.6, 0.1]),
        **{name: np.zeros(2) for name in VETTING},
    }
    alone = reliability_alone(data.flares, data.mirror_events, 2, DEFAULT_THRESHOLDS)
    data.flares["reliability"] = alone.astype(np.float32)
    injections = draw_injections(
        CONFIG.inject,
        (CONFIG.seed, TIC, SECTOR),
        observation.flux_error,
        detection.candidates(observation.evaluated, CONFIG.inject.peak_tolerance),
        observation.time,
        EXPOSURE,
    )
    data.injections = replace(injections, cadence=observation.rows[injections.cadence])
    data.equivalent_duration = equivalent_duration(injections.amplitude, injections.fwhm)
    data.seconds["model"] = 0.3
