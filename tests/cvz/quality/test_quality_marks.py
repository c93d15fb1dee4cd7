"""Each quality mark is given for what it says, and for nothing else."""

import json

import numpy as np
import pytest

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.quality_marks import (
    BY_NAME,
    DEFINITIONS,
    marks_of_star,
    marks_text,
    names_in,
    quality_marks,
)
from cvzmpi.cvz.sector_file.reading import read_sector_data
from tests.cvz.example_file import CONFIG, GP_FACTS, write_example

SETTINGS = json.loads(CONFIG.science_json())


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """A function that reads the example anew; its keywords are those of `write_example`."""
    directory = tmp_path_factory.mktemp("marked")
    numbers = iter(range(1000))

    def example(**how):
        return read_sector_data(write_example(directory / f"{next(numbers)}.h5", **how))

    return example


def names(data):
    return [mark.name for mark in quality_marks(data, SETTINGS, Search.STELLA)]


def with_flares(data, peak_time, duration=50.0, error=1.0):
    """Other flares in the table, all at one place of the mask."""
    n = len(peak_time)
    data.flares = {name: np.resize(values, n) for name, values in data.flares.items()}
    data.flares["peak_time"] = np.asarray(peak_time)
    data.flares["mask_equivalent_duration"] = np.broadcast_to(duration, n).astype(float)
    data.flares["mask_equivalent_duration_error"] = np.full(n, error)
    return data


@pytest.mark.parametrize("model", [True, False])
def test_a_good_light_curve_has_none(example, model):
    assert names(example(model=model)) == []


def test_a_tenth_of_the_time_in_flares_is_a_flare_star_and_a_third_is_not(example):
    for share, expected in ((0.1, []), (0.33, ["much_masked"])):
        data = example(model=False)
        rows = np.flatnonzero(np.isfinite(data.probability))
        data.flare_mask[rows[: int(share * len(rows))]] = True
        assert names(data) == expected


@pytest.mark.parametrize(
    ("n", "n_negative", "marked"),
    [(0, 0, False), (1, 1, False), (3, 3, True), (4, 4, True), (50, 9, False), (150, 8, False),
     (10, 2, False), (35, 19, True), (133, 69, True), (111, 35, True)],
)  # fmt: skip
def test_too_many_negative_durations(example, n, n_negative, marked):
    duration = np.where(np.arange(n) < n_negative, -2.0, 20.0)
    random = np.random.default_rng(n).uniform(1500, 1525, n)
    data = with_flares(example(), random, duration)
    assert ("negative_durations" in names(data)) == marked


def test_one_flare_that_loses_light_beyond_doubt_is_enough(example):
    assert names(with_flares(example(), [1500.0], -6853.0, 900.0)) == ["negative_durations"]
    assert names(with_flares(example(), [1500.0], -853.0, 900.0)) == []


def test_detections_with_a_period_are_named_with_it(example):
    data = with_flares(example(), 1500 + 0.35 * np.arange(60))
    (mark,) = quality_marks(data, SETTINGS)
    assert mark.name == "periodic_detections"
    assert "60 detections recur with a period of 0.35" in mark.value


def test_little_searched(example):
    for n_evaluated, marked in ((300, True), (719, True), (800, False)):
        data = example(model=False, flares=())
        rows = np.flatnonzero(np.isfinite(data.probability))
        data.probability[rows[n_evaluated:]] = np.nan
        assert names(data) == (["little_searched"] if marked else [])


def test_most_of_a_long_light_curve_not_searched_is_little(example):
    data = example(model=False, flares=())
    data.flare_mask[np.isfinite(data.probability)] = True
    assert names(data) == ["much_masked", "little_searched"]


def of_process(data):
    return [name for name in names(data) if name == "poor_process"]


def test_a_process_that_did_not_converge_is_poor(example):
    assert of_process(example(facts=GP_FACTS | {"gp_converged": False}))
    assert not of_process(example())


def test_a_process_that_was_fitted_to_next_to_nothing_is_poor(example):
    data = example()
    data.flare_mask[np.flatnonzero(np.isfinite(data.probability))[73:]] = True
    data.left_out |= data.flare_mask
    assert set(names(data)) == {"much_masked", "little_searched", "poor_process"}


def test_residuals_that_do_not_fit_their_errors_are_poor(example):
    for jitter, poor in ((0.0, False), (0.001, False), (0.05, True)):
        assert bool(of_process(example(facts=GP_FACTS | {"gp_jitter": jitter}))) == poor
    wrong = example()
    wrong.light_curve.flux_err[:] = 0.5  # a quarter of the scatter
    assert of_process(wrong)


def test_residuals_that_are_not_white_are_poor(example):
    data = example()
    data.gp_mu[:] = np.nanmedian(data.gp_mu)  # the star's own variability is left over
    assert of_process(data)


def test_an_absurd_amplitude_is_poor(example):
    assert of_process(example(facts=GP_FACTS | {"gp_sigma": 3.0}))


@pytest.mark.parametrize("search", ["significance", "either", "both"])
@pytest.mark.parametrize(
    ("share", "raised", "expected"),
    [
        (0.08, 1.0, None),
        (0.15, 1.0, "15% of the light curve is left out"),
        (0.08, 1.6, "the noise was raised by up to 1.6"),
        (0.15, 5.83, "15% of the light curve is left out; the noise was raised by up to 5.83"),
    ],
)
def test_the_search_says_where_the_process_cannot_follow_the_star(
    example, search, share, raised, expected
):
    def change(data):
        usable = np.flatnonzero(np.isfinite(data.significance))
        data.significance[usable[: int(share * len(usable))]] = np.nan
        data.noise_raised[1] = raised

    data = example(change=change)
    marks = {mark.name: mark.value for mark in quality_marks(data, SETTINGS, Search(search))}
    assert marks == ({} if expected is None else {"badly_modelled": expected})
    assert names(data) == [], "stella knows nothing of it"


@pytest.mark.parametrize("how", [{"version": 1}, {"model": False}])
def test_without_the_search_by_significance_nothing_says_so(example, how):
    assert quality_marks(example(**how), SETTINGS, Search.SIGNIFICANCE) == ()


@pytest.mark.parametrize(
    ("share", "marked"), [(0.049, True), (0.49, True), (0.5, False), (0.684, False), (1.0, False)]
)
def test_most_of_the_light_is_anothers(example, share, marked):
    assert names(example(header={"CROWDSAP": share})) == (["crowded"] if marked else [])


@pytest.mark.parametrize("share", ["0.049", True, float("nan")])
def test_what_is_no_share_is_no_mark(example, share):
    assert names(example(header={"CROWDSAP": share})) == []


def test_every_mark_says_what_it_means_and_why():
    for definition in DEFINITIONS:
        assert definition.meaning.endswith(".")
        assert definition.why.endswith(".")
        assert "," not in definition.name
        assert BY_NAME[definition.name] is definition


def test_names_become_text_and_names_again():
    assert marks_text([]) == ""
    assert names_in("") == ()
    both = ("much_masked", "crowded")
    assert marks_text(reversed(both)) == "much_masked,crowded"
    assert names_in(marks_text(both)) == both


def test_a_star_has_what_spoils_its_rate_and_little_time_only_if_all_are_short():
    assert marks_of_star([]) == ""
    assert marks_of_star(["", "crowded", ""]) == "crowded"
    assert marks_of_star(["little_searched", ""]) == ""
    assert marks_of_star(["little_searched", "little_searched,much_masked"]) == (
        "much_masked,little_searched"
    )


def test_the_file_keeps_the_names(example):
    def change(data):
        data.marks = "much_masked,crowded"

    assert example(change=change).marks == "much_masked,crowded"
    assert example().marks is None  # as in files of versions that had none
