"""The recovered fraction in bins: counts that add up, and intervals that know of the repeats."""

import numpy as np
import pytest
from astropy.stats import binom_conf_interval

from cvzmpi.cvz.results.products.recovered_fraction import (
    CONFIDENCE,
    binned,
    binned_by_amplitude_and_fwhm,
    equal_edges,
    even_edges,
)
from cvzmpi.cvz.sector_file.data import Recovery
from cvzmpi.cvz.sector_file.reading import SectorContent
from tests.cvz.example_file import write_example


def test_the_bins_count_every_place_once():
    rng = np.random.default_rng(5)
    size = np.exp(rng.uniform(0, np.log(50), 300))
    recovered = rng.random((300, 4)) < (np.log(size) / np.log(50))[:, None]
    width = rng.uniform(1, 2, 300)
    edges = np.geomspace(size.min(), size.max(), 7)
    edges[[0, -1]] = size.min(), size.max()
    one = binned(size, recovered, edges)
    recovery = Recovery(size, width, size, recovered, n_inject=300)
    cells = binned_by_amplitude_and_fwhm(recovery, edges, np.array([1.0, 1.5, 2.0]))
    assert one.n_flares.sum() == 300
    assert one.n_placed.sum() == recovered.size
    assert one.n_recovered.sum() == recovered.sum()
    assert cells.n_flares.shape == (6, 2)
    assert np.array_equal(cells.n_recovered.sum(axis=1), one.n_recovered)
    first = size < edges[1]
    assert one.fraction[0] == recovered[first].mean()


def test_an_empty_cell_has_no_fraction_and_no_interval():
    counts = binned(np.array([1.0, 1.5]), np.ones((2, 3), bool), np.array([1.0, 2.0, 3.0]))
    low, high = counts.interval()
    assert np.isnan([counts.fraction[1], low[1], high[1]]).all()
    assert np.isfinite([counts.fraction[0], low[0], high[0]]).all()


def test_places_that_are_independent_have_astropys_binomial_interval():
    recovered = np.random.default_rng(3).random((20_000, 10)) < 0.3
    counts = binned(np.full(20_000, 2.0), recovered, np.array([1.0, 3.0]))
    expected = binom_conf_interval(recovered.sum(), recovered.size, CONFIDENCE, "jeffreys")
    assert np.array(counts.interval())[:, 0] == pytest.approx(expected, abs=1e-4)


def test_places_that_all_say_the_same_are_worth_one_trial_a_flare():
    recovered = np.repeat(np.random.default_rng(3).random((2000, 1)) < 0.3, 10, axis=1)
    counts = binned(np.full(2000, 2.0), recovered, np.array([1.0, 3.0]))
    assert counts.n_effective[0] == pytest.approx(2000, rel=1e-3)


def test_the_cells_count_every_repeat_once(tmp_path):
    recovery = SectorContent.read(write_example(tmp_path / "1.h5")).recovery
    for edges in (even_edges, equal_edges):
        amplitude_edges, fwhm_edges = edges(recovery.amplitude, 6), edges(recovery.fwhm, 4)
        grid = binned_by_amplitude_and_fwhm(recovery, amplitude_edges, fwhm_edges)
        assert grid.n_placed.shape == (6, 4)
        assert grid.n_placed.sum() == recovery.n_placed
        assert grid.n_recovered.sum() == recovery.recovered.sum()
    cell = (recovery.amplitude < amplitude_edges[1]) & (recovery.fwhm < fwhm_edges[1])
    assert grid.n_placed[0, 0] == 4 * cell.sum()
    assert grid.fraction[0, 0] == recovery.recovered[cell].mean()


def test_injections_of_one_size_are_in_one_cell():
    same = np.full(30, 0.02)
    assert len(equal_edges(same, 5)) == 2
    for edges in (equal_edges(same, 5), even_edges(same, 5)):
        assert edges[0] < 0.02 < edges[-1]
        assert np.all(np.diff(edges) > 0)
