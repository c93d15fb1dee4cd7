"""The time that was searched, without what a found flare hides, and the repeats that count."""

import numpy as np
import pytest

import cvzmpi
from tests.cvz.example_file import EXPOSURE, write_example

N_FLARE, MERGE_GAP, TOLERANCE = 14, 20, 3


@pytest.mark.parametrize("model", [True, False])
def test_flares_and_what_would_join_them_are_not_searched(tmp_path, model):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", model=model), "stella")
    time = file.search_time()
    evaluated = np.isfinite(file.data.probability).sum()
    assert time.evaluated == pytest.approx(evaluated * EXPOSURE)
    hidden = 2 * (N_FLARE + MERGE_GAP)
    assert time.searched == pytest.approx((evaluated - hidden) * EXPOSURE)


def test_without_flares_all_that_is_evaluated_is_searched(tmp_path):
    time = cvzmpi.read(write_example(tmp_path / "1.h5", flares=())).search_time()
    assert time.searched == time.evaluated > 0


@pytest.mark.parametrize(
    ("search", "found", "n_evaluated"),
    [
        ("stella", [0], 2172),
        ("significance", [1], 2570),
        ("either", [0, 1], 2570),
        ("both", [], 2172),
    ],
)
def test_flares_mask_and_time_are_those_of_the_search_chosen(tmp_path, search, found, n_evaluated):
    def one_each(data):
        data.flares["found_by"][:] = 1, 2

    file = cvzmpi.read(write_example(tmp_path / "1.h5", change=one_each), search)
    curve = file.searched
    assert curve.n_flares == len(found)
    assert curve.flares["peak"].tolist() == [(400, 1900)[number] for number in found]
    if search != "stella":  # whose mask the file has
        assert curve.flaring.sum() == N_FLARE * len(found)
    assert curve.evaluated.sum() == n_evaluated
    hidden = (N_FLARE + MERGE_GAP) * (2 if search == "stella" else len(found))
    assert curve.time.searched == pytest.approx((n_evaluated - hidden) * EXPOSURE)


@pytest.mark.parametrize("search", ["stella", "significance", "either", "both"])
def test_of_a_file_of_version_1_all_is_stellas(tmp_path, search):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", version=1), search)
    assert (str(file.searched.search), file.searched.n_flares) == ("stella", 2)
    assert file.searched.evaluated.sum() == 2172
    assert file.recovery.recovered.any()


def test_recoveries_are_those_of_the_search_chosen(tmp_path):
    nothing = np.zeros((300, 4), bool)
    path = write_example(tmp_path / "1.h5", other=nothing)
    fractions = [cvzmpi.read(path, s).recovery.fraction for s in ("stella", "significance", "both")]
    assert fractions[0] > 0.3
    assert fractions[1:] == [0, 0]


def blind_in_a_third(data):
    """The significance search looked at no cadence of the last third; one flare each."""
    data.significance[1700:] = np.nan
    data.flares["found_by"][:] = 1, 2


LOOKED = {
    "significance": lambda stella, other: other,
    "either": lambda stella, other: stella | other,
    "both": lambda stella, other: stella & other,
}


@pytest.mark.parametrize("search", LOOKED)
def test_a_repeat_counts_where_the_search_looked_and_away_from_its_flares(tmp_path, search):
    path = write_example(tmp_path / "1.h5", change=blind_in_a_third)
    file = cvzmpi.read(path, search)
    data, flares = file.data, file.searched.flares
    looked = LOOKED[search](np.isfinite(data.probability), np.isfinite(data.significance))
    place = np.cumsum(file.searched.usable) - 1
    for row in np.flatnonzero(file.searched.usable):
        near = any(
            place[first] - TOLERANCE <= place[row] <= place[last] + TOLERANCE
            for first, last in zip(flares["start"], flares["stop"], strict=True)
        )
        counts = file.searched.counted(np.array([[row]]))
        assert counts.shape == (1, 1)
        assert counts == (looked[row] and not near), row


def test_all_repeats_count_for_stella(tmp_path):
    """They are placed where it looked, away from its flares."""
    file = cvzmpi.read(write_example(tmp_path / "1.h5", change=blind_in_a_third), "stella")
    assert file.recovery.counted.shape == (300, 4)
    assert file.recovery.counted.all()


@pytest.mark.parametrize("search", ["significance", "either", "both"])
def test_the_time_searched_is_that_of_the_cadences_that_can_count(tmp_path, search):
    """But for the dead time after each flare, and the tolerance before it."""
    path = write_example(tmp_path / "1.h5", change=blind_in_a_third)
    searched = cvzmpi.read(path, search).searched
    rows = np.flatnonzero(searched.usable)
    n_counting = np.count_nonzero(searched.counted(rows))
    n_searched = round(searched.time.searched / EXPOSURE)
    n_seen = sum(searched.evaluated[start] for start in searched.flares["start"])
    assert n_counting - n_searched == n_seen * (MERGE_GAP - TOLERANCE - TOLERANCE)
    assert n_counting < len(rows) - 300 or search == "either"
