"""Simulated flares beside what the injections into their light curves predict for them."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from cvzmpi.cvz.results.products.template_fit import fit_flares
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.cvz.sector_file.data import Recovery
from tools.calibration.campaigns import light_curves

_N_ALIKE = 15
_CROWDED = 60  # cadences: nearer, flares share a network window or may join
LEVELS = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Sample:
    """The simulated flares at whose peak the detector could look; shape (n,) each."""

    found: np.ndarray  # A detected flare covers the peak, by the rule that decides about injections
    # No other simulated flare that could be seen peaks within two hours, or under the same detected
    # flare. Injections are alone: they are never placed in or beside a detected flare, while flares
    # of the star do as they like.
    alone: np.ndarray
    # recovered fraction of the 15 injected flares that are most alike in amplitude and FWHM
    of_alike: np.ndarray
    # completeness of the light curve at the equivalent duration of the flare
    of_duration: np.ndarray
    duration: np.ndarray  # true equivalent duration in s
    relative_duration: np.ndarray  # the same in units of the light curve's 50 % limit
    # `mask_duration`, `template_duration`: as measured, where a detected flare covers this one
    # only; else NaN
    mask_duration: np.ndarray
    template_duration: np.ndarray
    # float, shape (n, 3); the light curve's 10, 50 and 90 % limits in units of its 50 % limit
    limits: np.ndarray

    @classmethod
    def read(cls, campaign: Path) -> Sample:
        """Collect the flares of a campaign that `campaigns.search` has searched."""
        parts = [
            _of_light_curve(SectorFile.read(path), truth) for path, truth in light_curves(campaign)
        ]
        return cls(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(cls)
            }
        )

    def select(self, rows: np.ndarray) -> Sample:
        """Some of the flares."""
        return Sample(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def deviation(found: np.ndarray, predicted: np.ndarray) -> float:
    """How many standard deviations more flares were found than predicted."""
    spread = math.sqrt(np.sum(predicted * (1 - predicted)))
    return float(found.sum() - predicted.sum()) / spread


def _of_light_curve(file: SectorFile, truth: np.ndarray) -> Sample:
    data, recovery = file.data, file.recovery
    assert recovery is not None
    assert data.flares is not None
    truth = truth[np.isfinite(data.probability[truth["cadence"]])]
    curve = file.completeness_curve()
    limits = np.array([curve.limit(level).value for level in LEVELS])

    usable = np.flatnonzero(data.light_curve.usable(file.quality_bitmask))
    peak, start, stop = (
        np.searchsorted(usable, rows)
        for rows in (truth["cadence"], data.flares["start"], data.flares["stop"])
    )
    tolerance = file.config["inject.peak_tolerance"]
    covers = (start[:, None] - tolerance <= peak) & (peak <= stop[:, None] + tolerance)

    apart = np.abs(truth["cadence"][:, None] - truth["cadence"])
    np.fill_diagonal(apart, _CROWDED)
    visible = truth["equivalent_duration"] > limits[0]
    fits = fit_flares(data, file.quality_bitmask)
    template = np.array([math.nan if fit is None else fit.duration for fit in fits])
    others = np.sum(covers & visible, axis=1)[:, None] - visible
    alone = ~np.any((apart < _CROWDED) & visible, axis=1) & ~np.any(covers & (others > 0), axis=0)
    flare, mine = np.nonzero(covers & (covers.sum(axis=1, keepdims=True) == 1))

    def measured(values: np.ndarray) -> np.ndarray:
        result = np.full(len(truth), math.nan)
        result[mine] = values[flare]
        return result

    return Sample(
        found=covers.any(axis=0),
        alone=alone,
        of_alike=_fraction_of_alike(recovery, truth),
        of_duration=curve(truth["equivalent_duration"]),
        duration=truth["equivalent_duration"],
        relative_duration=truth["equivalent_duration"] / limits[1],
        mask_duration=measured(data.flares["mask_equivalent_duration"]),
        template_duration=measured(template),
        limits=np.tile(limits / limits[1], (len(truth), 1)),
    )


def _fraction_of_alike(recovery: Recovery, truth: np.ndarray) -> np.ndarray:
    def position(amplitude: np.ndarray, fwhm: np.ndarray) -> np.ndarray:
        return np.log(np.stack([amplitude, fwhm], axis=1))

    _, alike = KDTree(position(recovery.amplitude, recovery.fwhm)).query(
        position(truth["amplitude"], truth["fwhm"]), k=_N_ALIKE
    )
    return recovery.recovered.mean(axis=1)[alike].mean(axis=1)
