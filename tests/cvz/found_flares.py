"""Tables of flares without a search: whatever cadences a test says."""

import numpy as np

from cvzmpi.cvz.detection.flare_table import FoundFlares, flare_table
from cvzmpi.cvz.detection.flares import VETTING
from cvzmpi.cvz.injection.flare_shape import equivalent_duration

NONE = np.empty((0, 2), np.int64)
FWHM = 0.005  # days


def measured(observation, mean, flares):
    """What the significance search might measure of flares, from their brightest cadence."""
    excess = observation.flux - mean
    peak = np.array([a + np.argmax(excess[a : b + 1]) for a, b in flares], np.int64)
    amplitude, error = excess[peak], observation.flux_err[peak]
    fwhm = np.full(len(peak), FWHM)
    return {
        "peak": peak,
        "snr": amplitude / error,
        "template_amplitude": amplitude,
        "template_amplitude_error": error,
        "fwhm": fwhm,
        "fwhm_error": fwhm / 10,
        "template_time": observation.time[peak],
        "equivalent_duration": equivalent_duration(amplitude, fwhm),
        "equivalent_duration_error": equivalent_duration(error, fwhm),
        **{name: np.zeros(len(peak)) for name in VETTING},
    }


def table_of(observation, detection, mean, sd, significance=NONE):
    """The table of the flares of stella, and of these others."""
    found = FoundFlares.of(
        detection.flares,
        significance,
        measured(observation, mean, significance),
        lambda flares: measured(observation, mean, flares),
    )
    return flare_table(observation, found, detection.probability, mean, sd)
