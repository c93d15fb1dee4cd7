"""Known fields get their direction back, wherever they are and however slit and scan go."""

from dataclasses import replace

import numpy as np
import pytest

from cvzmpi.level2.disambiguation.geometry import geometry_of
from cvzmpi.level2.disambiguation.not_resolved import NotResolvedError
from cvzmpi.level2.disambiguation.observed_field import ObservedField
from cvzmpi.level2.disambiguation.resolve import BY_METHOD, BY_NEIGHBOURS, NOT_RESOLVED, resolve
from tests.level2.disambiguation.example_sun import BIPOLE, SPOT, Sun, angles, charges, twisted

NEGATIVE_SPOT = (*SPOT[:3], -SPOT[3])
ELSEWHERE = [(0, 0), (50, 10), (-35, -40), (60, -20)]  # degrees to west and to north
DIRECTIONS = {
    "as usual": ((0.9, 0), (0, 0.7)),
    "scan to the east": ((-0.9, 0), (0, 0.7)),
    "slit to the south": ((0.9, 0), (0, -0.7)),
    "both": ((-0.9, 0), (0, -0.7)),
    "slit from east to west": ((0, 0.9), (0.7, 0)),
    "slit from east to west, scan to the south": ((0, -0.9), (0.7, 0)),
    "slanted": ((0.78, 0.45), (-0.3, 0.63)),
    "oblique, long steps": ((1.4, 0.2), (0.15, 0.4)),
}


class Seen:
    """The field of a map with its noise, in the frame of the observer, and the map resolved."""

    def __init__(self, sun, method, noise=0.0, hidden=None, seed=1):
        self.sun, self.true = sun, sun.seen()
        random = np.random.default_rng(seed)
        # the field along the line of sight has much less noise than that across
        sigma = np.array([noise, noise, noise / 10])[:, np.newaxis, np.newaxis]
        observed = self.true + sigma * random.normal(size=self.true.shape)
        if hidden is not None:
            observed[:, hidden] = np.nan
        strength, inclination, self.azimuth = angles(observed)
        error = np.arctan2(max(noise, 20.0), np.hypot(*observed[:2]))
        given = np.mod(self.azimuth, np.pi)
        detected = strength > 3 * noise
        self.field = ObservedField.from_angles(strength, inclination, given, error, detected)
        self.given = np.degrees(given).astype(np.float32)
        self.resolved = resolve(self.field, geometry_of(sun.headers()), method)

    @property
    def right(self):
        """Mask of the pixels whose direction is the true one."""
        found = np.radians(self.resolved.azimuth(self.given))
        return np.cos(found - self.azimuth) > 0.99

    def fraction_right(self):
        """Of the pixels with a strong field."""
        return self.right[self.field.strong].mean()


@pytest.mark.parametrize("method", ["acute", "minimum_energy"])
@pytest.mark.parametrize("spot", [SPOT, NEGATIVE_SPOT], ids=["positive", "negative"])
def test_a_spot_of_either_polarity_is_radial(method, spot):
    seen = Seen(Sun(charges(spot)), method)
    assert seen.fraction_right() == 1
    # said in other words: away from a positive spot, and towards a negative one
    sun = seen.sun
    west_of_it = (sun.n_steps // 2 + 20, sun.n_slit // 2)
    found = seen.resolved.azimuth(seen.given)[west_of_it]
    assert np.cos(np.radians(found)) * np.sign(spot[3]) > 0.9


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("place", ELSEWHERE, ids=str)
def test_minimum_energy_resolves_a_potential_field_anywhere_with_any_axes(place, direction):
    scan, slit = DIRECTIONS[direction]
    seen = Seen(Sun(charges(*BIPOLE), *place, scan, slit), "minimum_energy")
    assert seen.field.strong.sum() > 1000
    assert seen.fraction_right() >= 0.99


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("place", [(0, 0), (30, 20)], ids=str)
def test_the_acute_angle_resolves_a_potential_field_that_is_all_in_the_map(place, direction):
    scan, slit = DIRECTIONS[direction]
    # two poles that balance, so that little of their flux leaves the map
    balanced = charges((-6, 2, 6, 2500), (6, -2, 6, -2500))
    seen = Seen(Sun(balanced, *place, scan, slit), "acute")
    assert seen.fraction_right() >= 0.99


@pytest.mark.parametrize("alpha", [0.08, -0.08], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("place", ELSEWHERE, ids=str)
def test_minimum_energy_resolves_a_twisted_field(place, alpha):
    seen = Seen(Sun(twisted(alpha, *BIPOLE), *place), "minimum_energy")
    assert seen.fraction_right() >= 0.95


def test_the_twist_is_more_than_the_acute_angle_can_do():
    sun = Sun(twisted(0.08, *BIPOLE), -35, -40)
    assert Seen(sun, "acute").fraction_right() < 0.9


@pytest.mark.parametrize("direction", ["slit to the south", "slanted"])
def test_minimum_energy_resolves_a_twisted_field_with_other_axes(direction):
    scan, slit = DIRECTIONS[direction]
    seen = Seen(Sun(twisted(0.08, *BIPOLE), 50, 10, scan, slit), "minimum_energy")
    assert seen.fraction_right() >= 0.95


# ---------------------------------------------------------------- noise, and no field


def test_noisy_pixels_follow_their_neighbours_and_do_not_spoil_them():
    seen = Seen(Sun(charges(*BIPOLE)), "minimum_energy", noise=30)
    strong, how = seen.field.strong, seen.resolved.how
    assert 0 < seen.field.weak.mean() < 0.4
    assert seen.fraction_right() >= 0.99
    assert (how[strong] == BY_METHOD).mean() > 0.99
    by_neighbours = how == BY_NEIGHBOURS
    assert seen.right[by_neighbours].mean() > 0.7


def test_pixels_without_a_number_are_not_resolved_and_do_not_spoil_others():
    hidden = np.random.default_rng(2).random((64, 80)) < 0.05
    hidden[:, 33] = hidden[20] = True  # a dead pixel of the slit, and a missing scan position
    seen = Seen(Sun(charges(*BIPOLE), 50, 10), "minimum_energy", hidden=hidden)
    assert seen.fraction_right() >= 0.99
    assert (seen.resolved.how[hidden] == NOT_RESOLVED).all()
    assert not seen.resolved.is_opposite[hidden].any()
    assert np.isnan(seen.resolved.azimuth(seen.given)[hidden]).all()


@pytest.mark.parametrize("method", ["acute", "minimum_energy"])
def test_where_no_field_is_detected_the_azimuth_stays_as_it_is(method):
    sun = Sun(charges(*BIPOLE))
    known = Seen(sun, method)
    nothing = np.zeros((64, 80), bool)
    nothing[40:, :30] = True
    field = replace(
        known.field,
        strong=known.field.strong & ~nothing,
        weak=known.field.weak & ~nothing,
        transverse=np.where(nothing, 0, known.field.transverse),
    )
    resolved = resolve(field, geometry_of(sun.headers()), method)
    assert (resolved.how[nothing] == NOT_RESOLVED).all()
    assert (resolved.azimuth(known.given)[nothing] == known.given[nothing]).all()
    assert known.right[field.strong].mean() >= 0.99


@pytest.mark.parametrize("method", ["acute", "minimum_energy"])
def test_a_map_with_few_strong_pixels_is_not_resolved(method):
    with pytest.raises(NotResolvedError, match="0 of its pixels have a field with a clear azimuth"):
        Seen(Sun(charges((0, 0, 9, 1e-3))), method)


# ----------------------------------------------------------------- the result


def test_the_same_map_gives_the_same_bits():
    sun = Sun(twisted(0.12, *BIPOLE), 50, 10)
    first, again = (Seen(sun, "minimum_energy", noise=60).resolved for _ in range(2))
    assert first.is_opposite.tobytes() == again.is_opposite.tobytes()
    assert first.how.tobytes() == again.how.tobytes()


def test_the_direction_that_was_given_does_not_matter():
    sun = Sun(charges(*BIPOLE))
    seen = Seen(sun, "minimum_energy")
    turned = np.random.default_rng(4).random((64, 80)) < 0.5
    field = replace(seen.field, transverse=np.where(turned, -1, 1) * seen.field.transverse)
    other = resolve(field, geometry_of(sun.headers()), "minimum_energy")
    assert ((other.is_opposite ^ turned) == seen.resolved.is_opposite)[field.strong].all()


def test_resolved_azimuths_go_from_0_to_360_degrees():
    seen = Seen(Sun(charges(SPOT)), "acute")
    azimuth = seen.resolved.azimuth(seen.given)
    assert azimuth.dtype == np.float32
    assert azimuth.min() >= 0
    assert azimuth.max() < 360
    assert (np.histogram(azimuth, 8, (0, 360))[0] > 100).all()
