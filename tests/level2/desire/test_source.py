"""The writer of the product gets the values of the files, in its units and in its order."""

import numpy as np
import pytest

from cvzmpi.level2.desire import fits_array
from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.source import DesireSource
from cvzmpi.level2.product.product_source import SlitPixels
from tests.level2.desire.example_desire import CANONICAL, N_BINNED, N_STEPS, OTHER

QUANTITY, FACTOR = 9, 0.1  # gas pressure, from dyn/cm2 to N/m2


@pytest.fixture
def source(example_arrays, tmp_path, level1):
    return DesireSource.open(
        DesireFiles.find([example_arrays.write(tmp_path)]), level1, commit="0abc123"
    )


def test_the_map_is_of_the_fiducial_arm(source, arms):
    assert source.level1.directory == arms[CANONICAL]
    assert source.dataset_ids == [arms[CANONICAL].name, arms[OTHER].name]
    assert source.slit == SlitPixels(first=0, n_binned=N_BINNED)
    assert source.n_steps == N_STEPS
    assert source.commit == "0abc123"


def test_depths_are_those_of_the_file(source, example_arrays):
    assert source.log_tau == pytest.approx(example_arrays.atmosphere[0, :, 0, 0])


def test_values_are_those_of_the_files(source, example_arrays):
    for step in range(N_STEPS):
        position = source.position(step)
        assert len(position.quantities) == 11
        expected = example_arrays.atmosphere[QUANTITY, :, step].T * FACTOR
        found = position.quantities["gas_pressure"]
        assert found.dtype == np.float32
        assert found == pytest.approx(expected, rel=1e-6)
        for number, profiles in enumerate(position.profiles):
            place = (slice(0, 24), slice(24, 40))[number]
            for values, given in (
                (profiles.original, example_arrays.observed),
                (profiles.fit, example_arrays.fit),
            ):
                assert np.array_equal(values, given[:, place, step].transpose(2, 1, 0))


def test_wavelengths_are_offsets_from_the_lines_in_air(source):
    iron, calcium = source.position(0).profiles
    assert (iron.line, calcium.line) == ("FeI630", "CaII854")
    assert iron.wavelength[:2] == pytest.approx([630.15012 - 0.06592, 630.15012 - 0.064643])
    assert calcium.wavelength[-1] == pytest.approx(854.2091 - 0.015 + 15 * 0.001892)
    assert np.ptp(np.diff(iron.wavelength)) < 1e-12


def test_the_files_are_read_a_block_at_a_time(source, monkeypatch):
    monkeypatch.setattr(fits_array.ScanBlocks.__init__, "__defaults__", (1,))
    order = [3, 0, 2, 2, 1]
    there = {step: source.position(step).quantities["temperature"] for step in order}
    assert len({values.tobytes() for values in there.values()}) == 4
