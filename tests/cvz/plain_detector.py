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
        return None  # every flare is looked at wherever it is

    def inject(self, around, reaches, peaks, flare_flux):
        cadences = peaks[:, None] + around.first + np.arange(around.length)
        inside = np.clip(cadences, 0, len(self.flux) - 1)
        return InjectedBrightness(
            self.probability(self.flux[inside] + flare_flux(np.arange(len(peaks)), cadences))
        )


class InjectedBrightness:
    n_rounds = 1

    def __init__(self, probability):
        self._probability = probability

    def probability(self, members, cadences):
        return self._probability[members, cadences]

    def guess(self, members, cadences, threshold):
        return self.probability(members, cadences) > threshold

    def ask(self, members, cadences, found, number):
        pass

    def known(self, members, threshold):
        above = self._probability[members] > threshold
        return above, above
