"""Results of an inversion as the science team has them: depths, several lines, uncertainties."""

import weakref
from dataclasses import dataclass, field

import numpy as np

from cvzmpi.level2.maps.level1 import Level1Map
from cvzmpi.level2.product.extensions import QUANTITIES, Extension
from cvzmpi.level2.product.product_source import LineProfiles, ScanPosition, SlitPixels

LOG_TAU = 1.2 - 0.1 * np.arange(17)
WAVELENGTHS = {
    "NaID": 589.6 + 0.0014 * np.arange(7),
    "FeI630": 630.1 + 0.00128 * np.arange(5),
    "CaII854": 854.1 + 0.0019 * np.arange(6),
}
OTHER = Extension("Number of Cycles", "meta.number")


@dataclass
class ExampleSource:
    """A `ProductSource` that draws its results at random; the same ones for a scan position."""

    level1: Level1Map
    slit: SlitPixels = field(default_factory=lambda: SlitPixels(3, 5))
    n_slit: int = 4
    n_steps: int = 4  # one fewer than Level 1's
    log_tau: np.ndarray | None = field(default_factory=lambda: LOG_TAU)
    lines: tuple = ("NaID", "FeI630", "CaII854")
    quantities: tuple = tuple(QUANTITIES)
    model: str = "depth-dependent"
    notes: tuple = ("Velocities are redshifts.", "A remark of " + "many words " * 12)
    commit: str | None = "0123abc"
    cards: dict = field(default_factory=dict)
    dataset_ids: tuple = ("BXPJD", "BVNED", "BWRGZ")
    stop_at: int | None = None

    def __post_init__(self):
        self.asked = []
        self._given = None

    def position(self, step):
        if step == self.stop_at:
            raise KilledError
        self.asked.append(step)
        assert self._given is None or self._given() is None, "two scan positions are in memory"
        position = self._position(step)
        self._given = weakref.ref(position)
        return position

    def _position(self, step):
        random = np.random.default_rng(step)
        shape = (self.n_slit,) if self.log_tau is None else (self.n_slit, len(self.log_tau))

        def values(*shape):
            return random.normal(size=shape).astype(np.float32)

        quantities = {name: values(*shape) for name in self.quantities}
        if self.log_tau is not None and "optical_depth" in quantities:
            quantities["optical_depth"] = np.broadcast_to(self.log_tau, shape).astype(np.float32)
        return ScanPosition(
            quantities=quantities,
            profiles=[
                LineProfiles(
                    line,
                    WAVELENGTHS[line],
                    *(values(self.n_slit, len(WAVELENGTHS[line]), 4) for _ in range(2)),
                )
                for line in self.lines
            ],
            uncertainties={name: np.abs(values(*shape)) for name in self.quantities[-2:]},
            chi_squared=np.abs(values(self.n_slit)),
            status=random.integers(1, 4, self.n_slit),
            more=[(OTHER, random.integers(0, 9, self.n_slit).astype("u1"))],
        )


def small_source(level1, **changed):
    """A source of few results, which are soon written."""
    few = {"log_tau": None, "lines": ("FeI630",), "quantities": ("temperature", "velocity")}
    return ExampleSource(level1, **{**few, **changed})


class KilledError(BaseException):
    """The job was killed."""
