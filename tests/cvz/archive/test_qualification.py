"""Which stars qualify, and what is told about each criterion."""

import json

import pytest

from cvzmpi.cvz.archive.observing_years import year_of
from cvzmpi.cvz.archive.qualification import Criteria, qualify
from cvzmpi.cvz.archive.target_list import Target

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
    assert verdict.message == ""
    assert verdict.criteria["sectors_per_year"] == {
        "value": 10,
        "year": 1,
        "expected": "at least 10",
        "met": True,
    }


def test_nine_in_each_of_two_years_do_not():
    verdict = qualify(STAR, [*range(5, 14), *range(14, 23)], TEN)
    assert not verdict.qualified
    assert verdict.message == "sectors per year 9, expected at least 10"
    assert verdict.criteria["products"]["value"] == 18


def test_a_star_without_light_curves_does_not_qualify_and_that_is_told():
    verdict = qualify(STAR, [], TEN)
    assert not verdict.qualified
    assert verdict.message.startswith("products 0, expected at least 1")
    assert verdict.criteria["sectors_per_year"]["value"] == 0


@pytest.mark.parametrize(
    ("tmag", "low", "high", "qualified"),
    [
        (9.5, 8, 10, True),
        (8.0, 8, 10, True),
        (10.1, 8, 10, False),
        (7.9, 8, None, False),
        (20.0, 8, None, True),
        (None, None, 10, False),
    ],
)
def test_a_range_of_magnitudes_excludes_stars(tmag, low, high, qualified):
    verdict = qualify(Target(12, tmag), range(1, 14), Criteria(10, low, high))
    assert verdict.qualified == qualified
    assert verdict.criteria["tmag"]["value"] == tmag
    # the other criteria are told as well
    assert verdict.criteria["sectors_per_year"]["met"]
    json.dumps(verdict.detail())


def test_without_a_range_magnitudes_do_not_matter():
    verdict = qualify(Target(12, None), range(1, 14), TEN)
    assert verdict.qualified
    assert "tmag" not in verdict.criteria
