"""Which stars qualify, and what is told about each criterion."""

import pytest

from cvzmpi.cvz.archive.qualification import Criteria, qualify, year_of
from cvzmpi.cvz.target_list import Target

STAR = Target(12, 9.5)
TEN = Criteria(min_sectors_per_year=10)


@pytest.mark.parametrize(
    ("year", "first", "last"),
    [(1, 1, 13), (2, 14, 26), (3, 27, 39), (4, 40, 55), (5, 56, 69), (6, 70, 83), (7, 84, 96)],
)
def test_a_year_of_observation_has_its_sectors(year, first, last):
    assert {year_of(sector) for sector in range(first, last + 1)} == {year}
    assert year_of(last + 1) == year + 1


def test_sectors_are_counted_from_one():
    with pytest.raises(ValueError, match="sector 0"):
        year_of(0)


def test_ten_sectors_in_one_year_qualify():
    verdict = qualify(STAR, range(1, 11), TEN)
    assert verdict.qualified
    assert verdict.message is None
    assert verdict.values == {"products": 10, "sectors_per_year": 10, "year": 1}


def test_nine_in_each_of_two_years_do_not():
    verdict = qualify(STAR, [*range(5, 14), *range(14, 23)], TEN)
    assert not verdict.qualified
    assert verdict.message == (
        "9 light curves in its best year of observation, expected at least 10 "
        "(archive.min_sectors_per_year)"
    )
    assert verdict.values == {"products": 18, "sectors_per_year": 9, "year": 1}


def test_a_star_without_light_curves_does_not_qualify_and_that_is_told():
    verdict = qualify(STAR, [], TEN)
    assert not verdict.qualified
    assert verdict.message == "no 2-minute light curve in any sector"
    assert verdict.values == {"products": 0, "sectors_per_year": 0, "year": None}


@pytest.mark.parametrize(
    ("tmag", "low", "high", "reason"),
    [
        (9.5, 8, 10, None),
        (8.0, 8, 10, None),
        (10.1, 8, 10, "TESS magnitude 10.1, expected 8 to 10"),
        (7.9, 8, None, "TESS magnitude 7.9, expected at least 8"),
        (20.0, 8, None, None),
        (10.1, None, 10, "TESS magnitude 10.1, expected at most 10"),
        (None, None, 10, "TESS magnitude not known, expected at most 10"),
    ],
)
def test_a_range_of_magnitudes_excludes_stars(tmag, low, high, reason):
    verdict = qualify(Target(12, tmag), range(1, 14), Criteria(10, low, high))
    assert verdict.qualified == (reason is None)
    assert reason is None or reason in verdict.message
    assert verdict.values == {"products": 13, "sectors_per_year": 13, "year": 1, "tmag": tmag}


def test_all_that_is_wrong_is_told():
    verdict = qualify(Target(12, 15), range(1, 4), Criteria(10, None, 10))
    assert len(verdict.not_met) == 2
    assert "3 light curves" in verdict.message
    assert "magnitude 15" in verdict.message


def test_without_a_range_magnitudes_do_not_matter():
    verdict = qualify(Target(12, None), range(1, 14), TEN)
    assert verdict.qualified
    assert "tmag" not in verdict.values
