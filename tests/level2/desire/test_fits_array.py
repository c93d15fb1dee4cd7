"""Arrays of several GB are read for some scan positions at a time."""

import tracemalloc

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.level2.desire.fits_array import ScanBlocks, read_array
from cvzmpi.level2.product.checked_product import ProductError


@pytest.fixture
def values():
    return np.random.default_rng(1).normal(size=(4, 9, 7, 50)).astype("f4")


@pytest.fixture
def array(tmp_path, values):
    path = tmp_path / "array.fits"
    fits.PrimaryHDU(values).writeto(path)
    return read_array(path)


@pytest.mark.parametrize("positions", [0.1, 1, 2.5, 3, 100])
def test_every_scan_position_is_that_of_the_file(array, values, positions):
    one = values[:, :, 0].nbytes
    blocks = ScanBlocks(array, block_bytes=int(positions * one))
    for step in (0, 1, 2, 3, 4, 5, 6, 6, 2, 0):
        found = blocks.at(step)
        assert found.dtype == np.float32
        assert np.array_equal(found, values[:, :, step])


def test_no_more_than_a_block_is_in_memory(tmp_path):
    path = tmp_path / "large.fits"
    header = fits.PrimaryHDU(np.zeros((1, 1, 1, 1), "f4")).header
    for axis, length in enumerate((2000, 500, 80, 10), 1):
        header[f"NAXIS{axis}"] = length
    with path.open("wb") as file:  # 3.2 GB, nothing of it on disk
        file.write(header.tostring().encode())
        file.truncate(2880 + 4 * 2000 * 500 * 80 * 10)
    blocks = ScanBlocks(read_array(path), block_bytes=30_000_000)
    tracemalloc.start()
    for step in (0, 250, 499):
        assert blocks.at(step).shape == (10, 80, 2000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000


def test_a_file_that_went_away_is_one_line(array):
    array.path.unlink()
    with pytest.raises(ProductError, match=r"array\.fits: cannot be read: .*No such file"):
        ScanBlocks(array).at(0)
