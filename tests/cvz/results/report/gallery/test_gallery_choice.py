"""Which flares are in the gallery."""

import numpy as np
import pytest

from cvzmpi.cvz.results.report.gallery import choice
from cvzmpi.cvz.results.report.gallery.choice import choose_flares, gallery_stars
from tests.cvz.results.report.gallery.made_flares import write_index


def flare(tic, number=0, **columns):
    """A flare of a star; another `number`, another time."""
    times = {"start_time": 0.0, "peak_time": 0.001, "stop_time": 0.005}
    return {"tic": tic} | {name: 1500 + number + at for name, at in times.items()} | columns


@pytest.fixture
def chosen(tmp_path):
    """The flares of each set, by TIC number and number in the light curve."""

    def of(flares, include_marked=False, **how):
        choice = choose_flares(write_index(tmp_path / "index", flares, **how), include_marked)
        known = [(f.measures["tic"], f.number) for f in choice.flares]
        return {name: [known[place] for place in places] for name, places in choice.sets.items()}

    return of


def test_each_set_has_its_order(chosen):
    sets = chosen(
        [
            flare(1001, equivalent_duration=10.0, energy=5e33, reliability=0.53, found_by=1),
            flare(1002, equivalent_duration=30.0, energy=None, reliability=0.99),
            flare(1003, equivalent_duration=20.0, energy=9e33, reliability=0.31, found_by=2),
            flare(1004, equivalent_duration=5.0, energy=1e33, reliability=0.47)
            | {"stop_time": 1500.3},
        ]
    )
    assert [tic for tic, _ in sets["largest"]] == [1002, 1003, 1001, 1004]
    assert [tic for tic, _ in sets["energetic"]] == [1003, 1001, 1004]
    assert [tic for tic, _ in sets["doubtful"]] == [1004, 1001, 1003]  # as near: the lower first
    assert [tic for tic, _ in sets["one-search"]] == [1003, 1001]
    assert sets["longest"][0] == (1004, 1)


def test_what_has_no_size_is_not_in_the_sets_by_size(chosen):
    sets = chosen([flare(1001, equivalent_duration=-3.0, energy=-1e30, reliability=0.2)])
    assert sets["largest"] == sets["energetic"] == sets["longest"] == []
    assert sets["doubtful"] == [(1001, 1)]


def test_a_star_does_not_fill_a_set(chosen):
    flares = [
        flare(tic, number, equivalent_duration=1000.0 - tic + number / 100)
        for tic in range(1, 41)
        for number in range(10)
    ]
    sets = chosen(flares)
    assert len(sets["largest"]) == choice.MOST_FLARES
    stars, counts = np.unique([tic for tic, _ in sets["largest"]], return_counts=True)
    assert set(counts) == {choice.MOST_PER_STAR}
    assert stars.tolist() == list(range(1, 21))  # the stars with the largest
    assert sets["largest"][:3] == [(1, 10), (1, 9), (1, 8)]


def test_where_there_are_few_stars_each_has_its_share(chosen):
    flares = [flare(tic, number) for tic in (1, 2) for number in range(50)]
    assert [tic for tic, _ in chosen(flares)["largest"]].count(1) == choice.MOST_FLARES / 2


def test_light_curves_with_quality_marks_are_in_the_doubtful_ones_only(chosen):
    flares = [flare(1001, reliability=0.5), flare(1002, reliability=0.6)]
    marks = {1001: "crowded"}
    sets = chosen(flares, marks=marks)
    assert sets["largest"] == [(1002, 1)]
    assert sets["doubtful"] == [(1001, 1), (1002, 1)]
    assert chosen(flares, include_marked=True, marks=marks)["largest"] == [(1001, 1), (1002, 1)]


def test_the_choice_is_the_same_each_time_and_each_flare_is_in_it_once(tmp_path):
    flares = [flare(tic, number, reliability=0.5) for tic in range(9) for number in range(4)]
    index = write_index(tmp_path / "index", flares)
    first, again = choose_flares(index), choose_flares(index)
    assert first == again
    assert len(first.flares) == len(
        {(f.measures["tic"], f.measures["peak_time"]) for f in first.flares}
    )
    assert gallery_stars(first) == set(range(9))


def test_flares_at_the_same_time_are_compared_with_chance(tmp_path):
    # 40 flares of 4 stars in 10 days: 30 of other stars, each within 15 minutes with 30 min / 9 d
    flares = [flare(tic, number, n_coincident=3) for tic in range(4) for number in range(10)]
    index = write_index(tmp_path / "index", flares)
    together = choose_flares(index).flares[0].together
    assert (together.n_coincident, together.n_stars) == (3, 3)
    assert together.expected == pytest.approx(30 * 30 / 1440 / 9, rel=1e-3)
    write_index(tmp_path / "index", flares, n_images=0)
    assert choose_flares(index).flares[0].together is None


def test_a_campaign_without_flares_has_empty_sets(tmp_path):
    found = choose_flares(write_index(tmp_path / "index", []))
    assert found.flares == []
    assert set(found.sets) == {one.name for one in choice.SETS}
    assert not any(found.sets.values())
