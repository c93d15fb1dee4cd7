"""The lattice of a map's pixels is read from the headers, and what is no lattice is refused."""

import numpy as np
import pytest

from cvzmpi.level2.disambiguation.geometry import geometry_of
from cvzmpi.level2.disambiguation.not_resolved import NotResolvedError
from tests.level2.disambiguation.example_sun import Sun


def map_of(*arguments, **named):
    return Sun(None, *arguments, **named)


@pytest.mark.parametrize(
    ("scan", "slit"), [((0.9, 0), (0, 0.7)), ((-0.5, 0.2), (0.1, -0.3)), ((0, 0.4), (-0.7, 0.1))]
)
def test_steps_of_either_sign_and_any_direction_are_read(scan, slit):
    found = geometry_of(map_of(20, -10, scan, slit).headers())
    assert found.scan == pytest.approx(scan)
    assert found.slit == pytest.approx(slit)
    assert found.centre == pytest.approx(map_of(20, -10).centre)


def test_binned_pixels_are_longer():
    found = geometry_of(map_of().headers(), slit_bin=4)
    assert found.slit == pytest.approx((0, 2.8))
    assert found.scan == pytest.approx((0.9, 0))


@pytest.mark.parametrize("place", [(0, 0), (50, 10), (-35, -40), (60, -20)], ids=str)
def test_the_frame_along_the_surface_is_that_of_its_place(place):
    found, true = geometry_of(map_of(*place).headers()).axes, map_of(*place).axes
    assert found @ found.T == pytest.approx(np.identity(3), abs=1e-9)
    assert np.linalg.det(found) == pytest.approx(1)
    assert found[2] == pytest.approx(true[2], abs=1e-5)  # outwards
    assert found[1] @ true[1] > 0.5  # to north, rather than to south
    assert found[0] @ true[0] > 0.5


def test_a_pixel_at_the_limb_covers_more_of_the_surface():
    # Gary & Hagyard 1990, sec. 2: along the radius by 1 / mu
    lattice = geometry_of(map_of(60, 0).headers()).lattice
    as_long = np.linalg.norm(lattice, axis=0)
    assert as_long[0] / as_long[1] == pytest.approx(0.9 / 0.7 / np.cos(np.radians(60)), rel=1e-3)
    assert abs(np.linalg.det(lattice)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_steps": 2}, "2 scan positions of 80 pixels: expected 3 of either"),
        ({"n_slit": 2}, "64 scan positions of 2 pixels"),
        ({"scan": (0.0, 0.0)}, "scan positions are not equally spaced|does not go across"),
        ({"scan": (0.0, 0.5)}, "does not go across the slit"),
        ({"west": 88.0}, "too near to the limb or off the disc"),
    ],
    ids=str,
)
def test_what_is_no_map_of_the_disc_is_refused_in_one_line(change, message):
    with pytest.raises(NotResolvedError, match=message) as error:
        geometry_of(map_of(**change).headers())
    assert "\n" not in str(error.value)


def test_a_map_off_the_disc_is_refused():
    headers = [{**header, "CRVAL3": 1100.0} for header in map_of().headers()]
    with pytest.raises(NotResolvedError, match="off the disc"):
        geometry_of(headers)


@pytest.mark.parametrize("key", ["CTYPE1", "CRVAL3", "CUNIT1", "CDELT3"])
def test_headers_without_places_are_refused(key):
    headers = [
        {name: value for name, value in header.items() if name != key}
        for header in map_of().headers()
    ]
    with pytest.raises(NotResolvedError, match="do not say where its pixels are"):
        geometry_of(headers)


def test_a_raster_that_begins_again_is_refused():
    headers = map_of(n_steps=32).headers()
    with pytest.raises(NotResolvedError, match="not equally spaced"):
        geometry_of([*headers, *headers])
