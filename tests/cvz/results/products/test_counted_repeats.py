"""The completeness of the very search: of the repeats that count for it, and of no others."""

import math

import numpy as np
import pytest
from scipy.stats import binom

import cvzmpi
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.results.index.summary import UnreadableError, summarise
from cvzmpi.cvz.results.pictures.recovery import (
    draw_completeness,
    draw_recovery,
    how_many,
)
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.ffd_tables import star_rows
from cvzmpi.cvz.results.products.recovered_fraction import CONFIDENCE, binned
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.results.show import show_file
from cvzmpi.cvz.results.show_table import show_table
from cvzmpi.cvz.results.terminal import half_found
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.pictures.style import picture
from tests.cvz.example_file import write_example
from tests.cvz.results.products.made_sector import made_sector

N_INJECT, N_REPEAT = 300, 4
ONE_BIN = np.array([1.0, 3.0])


def injected(seed, n_flares=N_INJECT, n_repeat=N_REPEAT):
    """Sizes, answers, and repeats that count: about 70 %, and none of some flares."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(0, np.log(50), n_flares))
    recovered = rng.random((n_flares, n_repeat)) < (np.log(size) / np.log(50))[:, None]
    counted = rng.random((n_flares, n_repeat)) < 0.7
    counted[::17] = False
    return size, recovered, counted


def same(first, second):
    names = ("log_size", "fraction", "draws", "smallest", "largest")
    return all(np.array_equal(getattr(first, n), getattr(second, n)) for n in names)


# ----------------------------------------------------------------- bins and curves


def test_where_all_repeats_count_nothing_changes():
    """To the last bit: this is what is published of the files that stella searched."""
    size, recovered, _ = injected(1)
    everything = np.ones(recovered.shape, bool)
    assert same(
        CompletenessCurve.fit(size, recovered, everything), CompletenessCurve.fit(size, recovered)
    )
    edges = np.geomspace(1, 50, 8)
    one, other = binned(size, recovered, edges, everything), binned(size, recovered, edges)
    assert all(
        np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(other).values(), strict=True)
    )


def test_the_answers_of_repeats_that_do_not_count_do_not_matter():
    size, recovered, counted = injected(2)
    curves = [
        CompletenessCurve.fit(size, answers, counted)
        for answers in (recovered, recovered & counted, recovered | ~counted)
    ]
    assert same(curves[0], curves[1])
    assert same(curves[0], curves[2])
    assert not same(curves[0], CompletenessCurve.fit(size, recovered))


def test_a_flare_without_a_repeat_that_counts_has_no_weight():
    size, recovered, counted = injected(3)
    used = counted.any(axis=1)
    assert not used.all()
    with_them = CompletenessCurve.fit(size, recovered, counted)
    assert same(with_them, CompletenessCurve.fit(size[used], recovered[used], counted[used]))
    counts = binned(size, recovered, np.array([0.9, 51]), counted)
    assert counts.n_flares.tolist() == [used.sum()]
    assert counts.n_placed.tolist() == [counted.sum()]
    assert counts.n_recovered.tolist() == [(recovered & counted).sum()]


def test_where_no_repeat_counts_nothing_is_known():
    size, recovered, counted = injected(4)
    curve = CompletenessCurve.fit(size, recovered, np.zeros_like(counted))
    assert math.isnan(curve.limit(0.5).value)
    assert np.isnan(curve(np.array([3.0]))).all()


@pytest.mark.parametrize("scatter", [0.0, 0.25])
def test_intervals_cover_the_truth_with_different_numbers_of_repeats(scatter):
    """Flares of chances that differ, each at 1 to 10 places that count; 1000 trials."""
    rng = np.random.default_rng(7)
    n_trials, inside = 1000, 0
    for _ in range(n_trials):
        chance = 0.4 + scatter * rng.choice([-1, 1], 200)
        recovered = rng.random((200, 10)) < chance[:, None]
        counted = np.arange(10) < rng.integers(1, 11, 200)[:, None]
        low, high = binned(np.full(200, 2.0), recovered, ONE_BIN, counted).interval()
        inside += low[0] <= 0.4 <= high[0]
    least, most = binom.ppf([1e-3, 1 - 1e-3], n_trials, CONFIDENCE)
    assert least <= inside <= most


def test_places_are_worth_as_many_trials_as_the_spread_of_a_ratio_says():
    """The variance over 20,000 campaigns of the same design is that of so many trials."""
    rng = np.random.default_rng(8)
    n_places = np.repeat([1, 3, 10], 40)
    counted = np.arange(10) < n_places[:, None]
    fractions, trials = [], []
    for _ in range(2000):
        chance = np.where(rng.random(120) < 0.5, 0.2, 0.8)
        recovered = rng.random((120, 10)) < chance[:, None]
        counts = binned(np.full(120, 2.0), recovered, ONE_BIN, counted)
        fractions.append(counts.fraction[0])
        trials.append(counts.n_effective[0])
    assert 0.25 / np.var(fractions) == pytest.approx(np.mean(trials), rel=0.1)


# ----------------------------------------------------------------- a file


@pytest.fixture
def partly_searched(tmp_path):
    """A file of which significance did not search the last 30 %, and its answers where it did."""
    answers = np.random.default_rng(6).random((N_INJECT, N_REPEAT)) < 0.6
    kept = {}

    def change(data):
        first = np.quantile(np.flatnonzero(np.isfinite(data.significance)), 0.7)
        data.significance[int(first) :] = np.nan
        data.flares = {name: column[:0] for name, column in data.flares.items()}
        kept["looked"] = np.isfinite(data.significance)[data.injections.cadence]

    # the answers are written after the change
    class Found:
        def __getitem__(self, rows):
            return (answers & kept["looked"])[rows]

    path = write_example(tmp_path / "123456789_7.h5", change=change, other=Found())
    assert 0.6 < kept["looked"].mean() < 0.8
    return path, answers, kept["looked"]


def test_the_completeness_is_that_of_the_part_that_was_searched(partly_searched):
    path, answers, looked = partly_searched
    file = SearchedFile.read(path)
    recovery = file.recovery
    assert np.array_equal(recovery.counted, looked)
    assert recovery.fraction == answers[looked].mean()
    assert recovery.recovered.mean() == pytest.approx(0.7 * recovery.fraction, rel=0.08)
    for size in ("equivalent_duration", "amplitude"):
        curve = file.completeness_curve(size)
        as_if_searched = CompletenessCurve.fit(getattr(recovery, size), answers)
        middle = np.exp(curve.log_size[len(curve.log_size) // 2])
        assert curve(middle) == pytest.approx(as_if_searched(middle), abs=0.05)
        low, high = curve.interval(np.array([middle]), 0.99)
        assert low <= 0.6 <= high
        assert not low <= 0.6 * 0.7 <= high


def test_all_products_have_it(partly_searched, capsys):
    path, answers, looked = partly_searched
    fraction = answers[looked].mean()
    file = SearchedFile.read(path)
    assert summarise(path).light_curve["recovered_fraction"] == fraction
    sector = SearchedSector.read(path)
    assert same(sector.completeness, file.completeness_curve())
    assert sector.searched == pytest.approx(0.7 * 2570 * 120 / 86400, rel=1e-3)
    table = cvzmpi.read(path).injections
    assert table["recovered"][table["counted"]].mean() == fraction
    assert how_many(file.recovery) == f"300 flares × 4 places, {looked.sum():,} count"
    show_file(path)
    text = capsys.readouterr().out
    left_out = (~looked).sum()
    assert f"{fraction:.1%} of {looked.sum():,}; {left_out} lie where none can count" in text
    cells = [int(cell.split(")")[0]) for cell in text.split("(of how many)")[1].split("(")[1:]]
    assert sum(cells) == looked.sum()
    show_table([path])
    assert f" {fraction * 100:.1f} " in capsys.readouterr().out


def test_half_of_the_flares_is_half_of_those_that_count(tmp_path):
    """Where the search looked, it finds the larger half; and it looked at every other place."""
    counting = np.zeros((N_INJECT, N_REPEAT), bool)
    counting[:, ::2] = True

    def change(data):
        # where it looked, and where it did not: away from its flares
        data.injections.cadence[:] = np.where(counting, 300, 2300)
        data.significance[2200:] = np.nan

    size = SectorContent.read(write_example(tmp_path / "0.h5")).recovery.amplitude
    found = counting & (size > np.median(size))[:, None]
    path = write_example(tmp_path / "1.h5", change=change, other=found)
    recovery = SearchedFile.read(path).recovery
    assert np.array_equal(recovery.counted, counting)
    half = CompletenessCurve.fit(size, found[:, ::2]).limit(0.5)
    assert half.relation == "="
    assert half.value < CompletenessCurve.fit(size, found).limit(0.5).value
    assert summarise(path).light_curve["amplitude_50"] == half.value
    assert half_found(recovery, "amplitude", 100) == f"{half.value * 100:.3g}"
    figure = draw_completeness(recovery, "title")
    assert f"50%: {half.value * 100:.3g} %" in [text.get_text() for text in figure.axes[1].texts]
    (bins,) = figure.axes[1].containers
    assert set(bins[0].get_ydata()) >= {0, 1}, "of the largest flares all are found"


@pytest.mark.parametrize("search", ["stella", "either"])
def test_of_a_search_that_looked_everywhere_all_repeats_count(partly_searched, search):
    path, *_ = partly_searched
    file = SearchedFile.read(path, Search(search))
    assert file.recovery.counted.all()
    assert how_many(file.recovery) == "300 flares × 4 places"
    row = summarise(path, Search(search)).light_curve
    assert row["recovered_fraction"] == file.recovery.recovered.mean()


def test_a_light_curve_that_was_not_searched_has_no_completeness_and_no_rate(tmp_path, capsys):
    """And stops no product: not that of its star's other light curves either."""

    def looked_nowhere(data):
        data.significance[:] = np.nan
        data.flares = {name: column[:0] for name, column in data.flares.items()}

    path = write_example(tmp_path / "123456789_7.h5", change=looked_nowhere)
    row = summarise(path).light_curve
    assert row["searched"] == 0
    assert not {"recovered_fraction", "amplitude_50", "equivalent_duration_50"} & row.keys()
    recovery = SearchedFile.read(path).recovery
    assert math.isnan(recovery.fraction)
    axes = picture(4, 3).subplots()
    draw_recovery(axes, recovery)
    assert "No injection counts" in [text.get_text() for text in axes.texts]
    show_file(path)
    assert "none lies where the search looked" in " ".join(capsys.readouterr().out.split())
    assert show_table([path])
    sector = SearchedSector.read(path)
    star = StarFfd.of([sector])
    assert star_rows(star)
    assert math.isnan(star.rate)
    size, recovered, _ = injected(5)
    other = made_sector(8, CompletenessCurve.fit(size, recovered), [20.0, 30.0])
    both, alone = StarFfd.of([sector, other]), StarFfd.of([other])
    assert both.rate == pytest.approx(alone.rate)
    assert both.upper_limit == pytest.approx(alone.upper_limit)
    assert both.rate > 0


def test_of_a_star_searched_where_nothing_was_injected_the_rate_is_unknown():
    nothing = CompletenessCurve.fit(np.empty(0), np.empty((0, 4), bool))
    star = StarFfd.of([made_sector(7, nothing, [20.0])])
    assert math.isnan(star.rate)
    assert math.isnan(star.sector_rates()[0].rate)
    assert star_rows(star)


def test_the_curve_is_drawn_of_few_repeats_that_count(tmp_path):
    def looked_at_little(data):
        data.significance[60:] = np.nan
        data.flares = {name: column[:0] for name, column in data.flares.items()}
        data.injections.cadence[3] = 30

    recovery = SearchedFile.read(write_example(tmp_path / "1.h5", change=looked_at_little)).recovery
    assert 0 < recovery.n_placed < 40
    draw_completeness(recovery, "title").canvas.draw()


@pytest.mark.parametrize("row", [-1, 2600])
def test_a_place_outside_of_the_light_curve_is_damage(tmp_path, row):
    def misplace(data):
        data.injections.cadence[5, 1] = row

    path = write_example(tmp_path / "1.h5", change=misplace)
    with pytest.raises(UnreadableError, match="do not fit together"):
        summarise(path)
