"""How the two lines split."""

import pytest

from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, Level, Line, zeeman_pattern

FIRST, SECOND = FE_I_630


def components(line, polarisation):
    return [
        (round(c.shift, 6), round(c.strength, 6))
        for c in zeeman_pattern(line)
        if c.polarisation == polarisation
    ]


def test_lande_factors_are_those_of_the_textbooks():
    assert FIRST.effective_lande == pytest.approx(5 / 3)
    assert SECOND.effective_lande == pytest.approx(2.5)


def test_fe_i_630_25_is_a_normal_triplet():
    assert [components(SECOND, q) for q in (-1, 0, 1)] == [[(-2.5, 1)], [(0, 1)], [(2.5, 1)]]


def test_fe_i_630_15_has_the_pattern_of_a_transition_between_levels_with_total_2():
    # Landi Degl'Innocenti & Landolfi (2004), table 3.1: pi as M^2, sigma as (J - M)(J + M + 1)
    assert components(FIRST, 0) == [
        (-0.666667, 0.4),
        (-0.333333, 0.1),
        (0.333333, 0.1),
        (0.666667, 0.4),
    ]
    assert components(FIRST, 1) == [
        (1.166667, 0.2),
        (1.5, 0.3),
        (1.833333, 0.3),
        (2.166667, 0.2),
    ]


@pytest.mark.parametrize("line", FE_I_630)
def test_the_centre_of_gravity_of_a_sigma_group_is_the_effective_lande_factor(line):
    for polarisation in (-1, 1):
        centre = sum(shift * strength for shift, strength in components(line, polarisation))
        assert centre == pytest.approx(polarisation * line.effective_lande, abs=1e-5)


@pytest.mark.parametrize("totals", [(0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2), (3, 2)])
def test_a_pattern_is_symmetric_and_its_groups_sum_to_one(totals):
    line = Line(500.0, 0.0, Level(2, 1, totals[0]), Level(2, 2, totals[1]))
    blue, red = components(line, -1), components(line, 1)
    assert sorted((-shift, strength) for shift, strength in blue) == sorted(red)
    for polarisation in (-1, 0, 1):
        assert sum(s for _, s in components(line, polarisation)) == pytest.approx(1, abs=1e-5)


def test_1000_gauss_split_fe_i_630_25_by_4_6_pm():
    assert 1000 * SECOND.splitting() * 2.5 == pytest.approx(4.636, abs=0.001)


def test_the_pattern_of_a_line_between_half_integer_levels_is_that_of_the_textbooks():
    # Sodium D2, 2S1/2 - 2P3/2: pi at 1/3, sigma at 1 (weight 3/4) and 5/3 (weight 1/4)
    d2 = Line(588.995, 0.0, Level(0.5, 0, 0.5), Level(0.5, 1, 1.5))
    assert components(d2, 0) == [(-0.333333, 0.5), (0.333333, 0.5)]
    assert sorted(components(d2, 1)) == [(1.0, 0.75), (1.666667, 0.25)]
    assert d2.effective_lande == pytest.approx(7 / 6)


def test_ca_ii_854_has_the_effective_lande_factor_of_the_textbooks():
    line = Line(854.2091, 0.0, Level(0.5, 2, 2.5), Level(0.5, 1, 1.5))
    assert line.effective_lande == pytest.approx(1.1)


@pytest.mark.parametrize(
    ("lower", "upper"), [(1.5, 2.5), (2.5, 1.5), (2.5, 2.5), (1, 2), (3, 3), (0.5, 0.5), (0, 1)]
)
def test_measured_lande_factors_give_the_effective_one(lower, upper):
    line = Line(500.0, 0.0, Level(0, 0, lower, 1.84), Level(0, 0, upper, 1.31))
    for polarisation in (-1, 1):
        centre = sum(shift * strength for shift, strength in components(line, polarisation))
        assert centre == pytest.approx(polarisation * line.effective_lande, abs=1e-5)
