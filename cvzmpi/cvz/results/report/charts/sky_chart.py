"""Where the targets are: around an ecliptic pole, near one place, or on the whole sky."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cvzmpi.cvz.results.report.charts.rate_charts import Row, numbers, star_points
from cvzmpi.messages.wording import counted
from cvzmpi.web.chart import Axis, Chart, Fact, Series

_OBLIQUITY = math.radians(23.4392911)  # of the ecliptic, J2000 (IAU 1976)
_NEAR = 40.0
"""Degrees around a place within which targets are drawn around it, not on the whole sky."""

_STATES = (
    ("all light curves done", "series-3"),
    ("some done", "series-5"),
    ("none done", "series-2"),
)


def sky_charts(stars: Sequence[Row]) -> list[Chart]:
    """A map of the targets: one for each ecliptic pole where all are near one of them, else one."""
    right_ascension, declination = (
        numbers(stars, name) for name in ("right_ascension", "declination")
    )
    known = np.flatnonzero(np.isfinite(right_ascension) & np.isfinite(declination))
    longitude, latitude = ecliptic(right_ascension[known], declination[known])
    if len(known) and np.all(np.abs(latitude) > 90 - _NEAR):
        return [
            _polar(
                name, north, [stars[row] for row in known[side]], longitude[side], latitude[side]
            )
            for name, north, side in (
                ("north", True, latitude > 0),
                ("south", False, latitude < 0),
            )
            if side.any()
        ]
    return [_whole_sky(_rows(stars, known))]


def _rows(stars: Sequence[Row], rows: np.ndarray) -> list[Row]:
    return [stars[row] for row in rows.tolist()]


def ecliptic(right_ascension: np.ndarray, declination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ecliptic longitude (0 to 360) and latitude of equatorial positions; all in degrees, J2000."""
    alpha, delta = np.radians(right_ascension), np.radians(declination)
    x = np.cos(delta) * np.cos(alpha)
    y = np.cos(delta) * np.sin(alpha)
    z = np.sin(delta)
    turned_y = math.cos(_OBLIQUITY) * y + math.sin(_OBLIQUITY) * z
    turned_z = -math.sin(_OBLIQUITY) * y + math.cos(_OBLIQUITY) * z
    longitude = np.degrees(np.arctan2(turned_y, x)) % 360
    return longitude, np.degrees(np.arcsin(np.clip(turned_z, -1, 1)))


def _polar(
    name: str, north: bool, stars: list[Row], longitude: np.ndarray, latitude: np.ndarray
) -> Chart:
    """Equal distances from an ecliptic pole, as it is seen on the sky: east to the left."""
    x, y = polar(longitude, latitude, north)
    furthest = float(np.max(90 - np.abs(latitude)))
    step = 3.0 if furthest <= 9 else 6.0 if furthest <= 24 else 10.0
    circles = np.arange(1, max(2.0, math.ceil(furthest / step)) + 1) * step
    grid = _polar_grid(circles, north)
    labels = f"{', '.join(f'{circle:g}' for circle in circles)}° from the pole"
    return Chart(
        f"sky-{name}",
        f"Targets around the {name} ecliptic pole",
        f"East is to the left; circles are {labels}, and TESS always sees what is within 12°.",
        Axis("", hidden=True),
        Axis("", hidden=True),
        (*grid, *_targets(stars, x, y)),
        equal=True,
    )


def polar(
    longitude: np.ndarray, latitude: np.ndarray, north: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Positions around an ecliptic pole in degrees from it; longitude 0 is upwards."""
    distance = 90 - np.abs(latitude)
    # seen from inside the sphere, longitudes grow to the left around the northern pole
    angle = np.radians(longitude) * (-1 if north else 1)
    return distance * np.sin(angle), distance * np.cos(angle)


def _polar_grid(circles: np.ndarray, north: bool) -> list[Series]:
    around = np.linspace(0, 360, 181)
    grid = []
    for circle in circles:
        x, y = polar(around, np.full(len(around), 90 - circle), north)
        grid.append(_grid_line(x, y))
    for longitude in range(0, 360, 30):
        along = np.array([circles[0], circles[-1]])
        x, y = polar(np.full(2, longitude), 90 - along, north)
        grid.append(_grid_line(x, y))
    x, y = polar(around, np.full(len(around), 78.0), north)
    if circles[-1] >= 12:
        zone = Series("continuous viewing zone", x, y, kind="line", colour="muted", dashed=True)
        grid.append(zone)
    return grid


def _grid_line(x: np.ndarray, y: np.ndarray) -> Series:
    return Series("", x, y, kind="line", colour="muted", faint=True)


def _whole_sky(stars: list[Row]) -> Chart:
    """Equal areas (Mollweide), in right ascension and declination; east is to the left."""
    right_ascension, declination = (
        numbers(stars, name) for name in ("right_ascension", "declination")
    )
    x, y = mollweide(right_ascension, declination)
    grid = []
    for meridian in (-180, -120, -60, 0, 60, 120, 180):
        along = np.linspace(-90, 90, 91)
        centred = np.full(91, float(meridian))
        grid.append(_grid_line(*_mollweide_centred(centred, along)))
    for parallel in (-60, -30, 0, 30, 60):
        along = np.linspace(-180, 180, 121)
        grid.append(_grid_line(*_mollweide_centred(along, np.full(121, float(parallel)))))
    return Chart(
        "sky",
        "Targets",
        "The whole sky in equal areas, right ascension 0 in the middle and growing to the left, "
        "north up; lines are 60° and 30° apart.",
        Axis("", hidden=True),
        Axis("", hidden=True),
        (*grid, *_targets(stars, x, y)) if stars else (),
        equal=True,
        nothing="No star has a known position.",
    )


def mollweide(
    right_ascension: np.ndarray, declination: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in degrees in Mollweide's projection: x from -180 to 180, y from -90 to 90."""
    return _mollweide_centred((right_ascension + 180) % 360 - 180, declination)


def _mollweide_centred(
    longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    wanted = math.pi * np.sin(np.radians(latitude))
    theta = np.radians(latitude)
    for _ in range(50):  # Newton's method for 2 theta + sin(2 theta) = pi sin(latitude)
        slope = np.maximum(2 + 2 * np.cos(2 * theta), 1e-9)
        theta = theta - (2 * theta + np.sin(2 * theta) - wanted) / slope
    theta = np.clip(theta, -math.pi / 2, math.pi / 2)
    return -longitude * np.cos(theta), 90 * np.sin(theta)


def _targets(stars: list[Row], x: np.ndarray, y: np.ndarray) -> list[Series]:
    done, known = numbers(stars, "n_done"), numbers(stars, "n_light_curves")
    share = done / np.maximum(known, 1)
    chosen = (share == 1, (share > 0) & (share < 1), share == 0)
    series = []
    for (name, colour), choice in zip(_STATES, chosen, strict=True):
        rows = np.flatnonzero(choice)
        if len(rows):
            some = _rows(stars, rows)
            facts = tuple(
                Fact(title, numbers(some, key), unit)
                for title, key, unit in (
                    ("right ascension", "right_ascension", "°"),
                    ("declination", "declination", "°"),
                    ("light curves done", "n_done", ""),
                    ("light curves", "n_light_curves", ""),
                )
            )
            points = star_points(stars, rows)
            words = f"{name}: {counted(len(rows), 'star')}"
            series.append(Series(words, x[rows], y[rows], colour=colour, facts=facts, **points))
    return series
