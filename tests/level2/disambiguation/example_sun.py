"""Maps of fields that are known everywhere, seen from anywhere, with slit and scan in any way.

All of it is written from the geometry, with nothing of the package: positions on the Sun are
Stonyhurst longitude and latitude, as the observer in the Sun's equatorial plane has them.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import j0, j1

RADIUS = 695.7  # Mm
DISTANCE = 149_597.87  # Mm
ARCSEC = np.degrees(1) * 3600 / DISTANCE  # of a Mm at disc centre


def charges(*given):
    """The potential field of charges, each (x, y, depth, charge); of points (x, y) in the plane."""

    def field(x, y):
        total = np.zeros((3, *x.shape))
        for cx, cy, depth, charge in given:
            away = np.stack([x - cx, y - cy, np.full_like(x, depth)])
            total += charge * depth**2 * away / np.linalg.norm(away, axis=0) ** 3
        return total

    return field


def twisted(alpha, *given):
    """The linear force-free field of charges: curl B = alpha B.

    For each k above alpha, with l^2 = k^2 - alpha^2, the field (l/k J1, alpha/k J1, J0) e^(-l z) of
    k r, along r, around and outwards, is one (Chandrasekhar & Kendall 1957). With the weights k
    e^(-k d), they are that of a charge at the depth d if alpha is 0.
    """

    def field(x, y):
        total = np.zeros((3, *x.shape))
        for cx, cy, depth, charge in given:
            k = np.linspace(abs(alpha), 12 / depth, 3000) + 1e-9
            weight = k * np.exp(-k * depth) * (k[1] - k[0]) * depth**2 * charge
            ell = np.sqrt(k**2 - alpha**2)
            r = np.linspace(0, 400, 4000)
            kr = np.outer(r, k)
            radial, around = j1(kr) @ (weight * ell / k), j1(kr) @ (weight * alpha / k)
            outwards = j0(kr) @ weight
            dx, dy = x - cx, y - cy
            here = np.hypot(dx, dy)
            cosine, sine = dx / np.maximum(here, 1e-9), dy / np.maximum(here, 1e-9)
            br, ba = np.interp(here, r, radial), np.interp(here, r, around)
            total += np.stack(
                [br * cosine - ba * sine, br * sine + ba * cosine, np.interp(here, r, outwards)]
            )
        return total

    return field


@dataclass(frozen=True)
class Sun:
    """A map of a field, with the middle of the map at a place of the Sun, in degrees."""

    field: object
    west: float = 0.0
    north: float = 0.0
    # steps in arcsec to west and north
    scan: tuple = (0.9, 0.0)
    slit: tuple = (0.0, 0.7)
    n_steps: int = 64
    n_slit: int = 80

    @property
    def axes(self):
        """Along the surface to west and north, and outwards, as the observer has them; rows."""
        west, north = np.radians([self.west, self.north])
        return np.array(
            [
                [np.cos(west), 0, -np.sin(west)],
                [-np.sin(north) * np.sin(west), np.cos(north), -np.sin(north) * np.cos(west)],
                [np.cos(north) * np.sin(west), np.sin(north), np.cos(north) * np.cos(west)],
            ]
        )

    @property
    def centre(self):
        """Helioprojective longitude and latitude of the middle, in arcsec."""
        x, y, towards = RADIUS * self.axes[2]
        return (
            np.degrees(np.arctan2(x, DISTANCE - towards)) * 3600,
            np.degrees(np.arcsin(y / np.hypot(np.hypot(x, y), DISTANCE - towards))) * 3600,
        )

    def seen(self):
        """The field to west, to north and towards the observer: shape (3, n_steps, n_slit)."""
        i = np.arange(self.n_steps) - (self.n_steps - 1) / 2
        j = np.arange(self.n_slit) - (self.n_slit - 1) / 2
        i, j = np.meshgrid(i, j, indexing="ij")
        arcsec = [self.scan[axis] * i + self.slit[axis] * j for axis in (0, 1)]
        as_seen = np.stack(arcsec).reshape(2, -1) / ARCSEC
        x, y = np.linalg.solve(self.axes[:2, :2].T, as_seen).reshape(2, *i.shape)
        local = self.field(x, y)
        return np.tensordot(self.axes.T, local, axes=1)

    def headers(self):
        """The world coordinates of each scan position, as Level 1 has them."""
        longitude, latitude = self.centre
        return [
            {
                **{"NAXIS1": self.n_slit, "NAXIS2": 100, "NAXIS3": 1},
                **{"CTYPE1": "HPLT-TAN", "CTYPE2": "AWAV", "CTYPE3": "HPLN-TAN"},
                **{"CUNIT1": "arcsec", "CUNIT2": "nm", "CUNIT3": "arcsec"},
                **{"CRVAL1": latitude, "CRVAL3": longitude},
                **{"CDELT1": 2.0, "CDELT3": -0.5},
                "CRPIX1": (self.n_slit + 1) / 2,
                "CRPIX3": (self.n_steps + 1) / 2 - step,
                **{"PC1_1": self.slit[1] / 2, "PC1_3": self.scan[1] / 2},
                **{"PC3_1": -2 * self.slit[0], "PC3_3": -2 * self.scan[0]},
                "DSUN_OBS": DISTANCE * 1e6,
            }
            for step in range(self.n_steps)
        ]


def angles(seen):
    """Strength, inclination and azimuth of a field, the azimuth from 0 to 2 pi."""
    west, north, towards = seen
    strength = np.linalg.norm(seen, axis=0)
    return strength, np.arccos(towards / strength), np.mod(np.arctan2(north, west), 2 * np.pi)


SPOT = (3.0, -2.0, 9.0, 2500.0)
BIPOLE = ((-7.0, 3.0, 9.0, 2500.0), (9.0, -6.0, 8.0, -2200.0))
