"""A detector that is no network: whatever is bright is a flare."""

from __future__ import annotations

import numpy as np

from cvzmpi.cvz.light_curves.observation import Window

BRIGHT = 5  # median flux errors


class BrightnessDetector:
    """Looks at one cadence at a time, and evaluates any number of them."""

    window = Window(before=0, after=1)
    step = 1
    checksum = "b5" * 32

    def prepare(self):
        pass

    def evaluate(self, observation, team, shared):
        return BrightnessEvaluation(observation)


class BrightnessEvaluation:
    def __init__(self, observation):
        self.flux, self.bright = observation.flux, 1 + BRIGHT * observation.flux_error

    def probability(self, flux=None):
        return ((self.flux if flux is None else flux) > self.bright).astype(np.float32)

    def reach(self, around, before, after):
        return 0  # all flares are evaluated together

    def inject(self, around, reach, peaks, flare_flux):
        cadences = peaks[:, None] + around.first + np.arange(around.length)
        inside = np.clip(cadences, 0, len(self.flux) - 1)
        return InjectedBrightness(self.probability(self.flux[inside] + flare_flux(cadences)))


class InjectedBrightness:
    n_bounds = 1

    def __init__(self, probability):
        self._probability = probability

    def probability(self, members, stretch):
        return self._probability[members, stretch]

    def bounds(self, members, stretch, threshold, number):
        above = self.probability(members, stretch) > threshold
        return above, above
