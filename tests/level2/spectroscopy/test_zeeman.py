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
