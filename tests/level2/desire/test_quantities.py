"""Quantities come in the units of the product, and angles from 0 to 360 degrees."""

import numpy as np
import pytest

from cvzmpi.level2.desire.quantities import QUANTITIES, in_product

BY_NAME = {quantity.name: quantity for quantity in QUANTITIES}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("optical_depth", -1.5, -1.5),
        ("temperature", 5777, 5777),
        ("electron_pressure", 12, 1.2),  # dyn/cm2 to N/m2
        ("gas_pressure", 1e5, 1e4),
        ("microturbulence", 2e5, 2),  # cm/s to km/s
        ("velocity", -3.5e5, -3.5),
        ("mag_strength", 2500, 0.25),  # G to T
        ("geo_height", 150, 150),
        ("density", 3e-7, 3e-4),  # g/cm3 to kg/m3
    ],
)
def test_the_unit_of_the_product(name, given, expected):
    found = in_product(BY_NAME[name], np.array([given], ">f4"))
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", ["mag_inclination", "mag_azimuth"])
def test_angles_are_from_0_to_360_degrees(name):
    """The values of DKIST's own test, and one that rounds to 360."""
    given = np.array([-100, -200, 0, 30, 300, 400, 360, -360, -1e-9], ">f4")
    found = in_product(BY_NAME[name], given)
    assert found.tolist() == [260, 160, 0, 30, 300, 40, 0, 0, 0]


def test_values_that_are_not_finite_stay_so():
    given = np.array([np.nan, np.inf, 1], ">f4")
    for quantity in QUANTITIES:
        assert np.isfinite(in_product(quantity, given)).tolist() == [False, False, True]
