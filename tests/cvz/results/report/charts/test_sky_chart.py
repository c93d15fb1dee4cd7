"""The map of the targets: where stars are, whichever part of the sky they are in."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord

from cvzmpi.cvz.results.report.charts.sky_chart import ecliptic, mollweide, polar, sky_charts


def star(right_ascension, declination, done=1, known=1):
    return {
        "tic": 1,
        "catalogue": "TIC",
        "page": "page",
        "right_ascension": right_ascension,
        "declination": declination,
        "n_done": done,
        "n_light_curves": known,
    }


def test_ecliptic_positions_are_those_of_astropy():
    rng = np.random.default_rng(1)
    alpha, delta = rng.uniform(0, 360, 100), np.degrees(np.arcsin(rng.uniform(-1, 1, 100)))
    frame = BarycentricMeanEcliptic(equinox="J2000")
    position = SkyCoord(alpha * u.deg, delta * u.deg).transform_to(frame)
    longitude, latitude = ecliptic(alpha, delta)
    assert latitude == pytest.approx(position.lat.deg, abs=0.001)
    turned = (longitude - position.lon.wrap_at(360 * u.deg).deg + 180) % 360 - 180
    assert turned * np.cos(np.radians(latitude)) == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize(("north", "latitude"), [(True, 80.0), (False, -80.0)])
def test_around_a_pole_distances_are_true_and_east_is_to_the_left(north, latitude):
    x, y = polar(np.array([0.0, 90.0]), np.full(2, latitude), north)
    assert np.hypot(x, y) == pytest.approx([10, 10])
    assert y[0] == pytest.approx(10)
    # seen from inside, longitudes grow anticlockwise in the north and clockwise in the south
    assert x[1] == pytest.approx(-10 if north else 10)


def test_mollweide_has_equal_areas_and_the_poles_at_its_ends():
    x, y = mollweide(np.array([0.0, 90.0, 270.0, 10.0]), np.array([0.0, 0.0, 0.0, 90.0]))
    assert x == pytest.approx([0, -90, 90, 0], abs=1e-3)
    assert y == pytest.approx([0, 0, 0, 90], abs=1e-3)
    rng = np.random.default_rng(1)
    declination = np.degrees(np.arcsin(rng.uniform(-1, 1, 100_000)))
    _, y = mollweide(rng.uniform(0, 360, 100_000), declination)
    share = (np.pi / 6 + np.sqrt(3) / 4) * 2 / np.pi  # of an ellipse, up to half its height
    assert np.mean(np.abs(y) < 45) == pytest.approx(share, abs=0.01)


def test_targets_around_both_poles_have_a_map_of_each_others_the_whole_sky():
    south, north, equator = star(90, -66.56), star(270, 66.56), star(10, 0)
    assert [chart.name for chart in sky_charts([south, north])] == ["sky-north", "sky-south"]
    assert [chart.name for chart in sky_charts([south])] == ["sky-south"]
    assert [chart.name for chart in sky_charts([south, equator])] == ["sky"]
    (nothing,) = sky_charts([star(None, None)])
    assert nothing.empty
    targets = sky_charts([south])[0].series[-1]
    assert np.hypot(targets.x, targets.y) == pytest.approx([0], abs=0.01)


def test_what_is_done_of_a_star_is_in_its_series():
    stars = [star(90, -66, 2, 2), star(91, -66, 1, 2), star(92, -66, 0, 2), star(93, -66, 0, 2)]
    names = [series.name for series in sky_charts(stars)[0].series if series.labels]
    assert names == ["all light curves done: 1 star", "some done: 1 star", "none done: 2 stars"]
