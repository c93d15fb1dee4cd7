"""The rate at which a star flares above a chosen bolometric energy, so that stars can be compared.

The other rates of a star begin at the equivalent duration at which the searches find half of its
flares: another energy for each star.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.rates.flare_number import FlareNumber
from cvzmpi.cvz.results.products.rates.power_law import Interval
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE

DEFAULT_ENERGY = 1e33
"""In erg: the least energy of a superflare (Maehara et al. 2012, Nature 485, 478)."""


@dataclass(frozen=True)
class RateAtEnergy:
    """Flares a day of at least an energy, corrected for completeness; NaN where there is no rate.

    There is none where the star's radius or temperature are not known, and where its searches find
    less of the flares of this energy than its other rates ask for.
    """

    energy: float  # erg, bolometric
    duration: float  # s; equivalent duration of a flare of it
    n_flares: int  # found, of at least that
    rate: float
    interval: Interval  # 68.27 %, see `FlareNumber`
    upper_limit: float  # with 95 % confidence (one-sided) the rate is below this

    @classmethod
    def of(cls, star: StarFfd, energy: float) -> RateAtEnergy:
        """The rate of a star above an energy in erg, weighted by the power law of its flares."""
        scale = star.sectors[-1].energy_scale
        duration = energy / scale.power
        if not star.lower <= duration < star.upper:  # NaN is not, whichever it is
            return cls(energy, duration, 0, math.nan, (math.nan, math.nan), math.nan)
        inside = [sector.duration >= duration for sector in star.sectors]
        days, drawn = star.time.between(duration, star.upper, star.index)
        of_sectors = [
            alone.without_draws.between(duration, star.upper, star.index)[0]
            for alone in star.sector_times
        ]
        number = FlareNumber.of_light_curves(star.reliabilities, inside, of_sectors)
        return cls(
            energy=energy,
            duration=duration,
            n_flares=sum(int(rows.sum()) for rows in inside),
            rate=number.expected / days,
            interval=number.interval(drawn, CONFIDENCE),
            upper_limit=number.upper_limit(drawn),
        )
