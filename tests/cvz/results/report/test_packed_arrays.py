"""Arrays in a script: the same values come out, and knots stand for all that lies between them."""

import numpy as np
import pytest

from cvzmpi.cvz.results.report.packed_arrays import knots, packed, unpacked


def test_arrays_come_out_as_they_went_in():
    rng = np.random.default_rng(1)
    kinds = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8", ">i2", ">f4")
    arrays = {kind: (1e4 * rng.standard_normal(500)).astype(kind) for kind in kinds}
    arrays |= {"nothing": np.empty(0, np.float32), "strided": np.arange(99, dtype=np.int16)[::3]}
    arrays["not finite"] = np.array([np.nan, np.inf, -0.0])
    again = unpacked(packed(arrays))
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype.newbyteorder("<")
        assert np.array_equal(again[name], array, equal_nan=array.dtype.kind == "f")


def test_slow_numbers_take_few_bytes():
    values = np.round(1000 * np.sin(np.arange(20_000) / 500)).astype(np.int32)
    assert len(packed({"values": np.diff(values)})["bytes"]) < 5000
    assert len(packed({"values": np.zeros(20_000, np.int32)})["bytes"]) < 200


@pytest.mark.parametrize("dtype", [complex, bool, "U3"])
def test_what_a_browser_has_no_array_for_is_refused(dtype):
    with pytest.raises(ValueError, match="cannot be packed"):
        packed({"odd": np.zeros(3, dtype)})


@pytest.mark.parametrize("tolerance", [0.3, 3.0])
def test_interpolation_between_knots_is_right_to_the_tolerance(tolerance):
    rng = np.random.default_rng(2)
    values = np.cumsum(rng.standard_normal(3000))
    values[1500:] += 80  # a jump
    values[[0, 7, 8, 9, 2999]] = np.nan
    chosen = knots(values, tolerance)
    known = np.isfinite(values)
    between = np.interp(np.arange(3000), chosen, values[chosen])
    assert np.abs(between - values)[known].max() <= tolerance * (1 + 1e-9)
    assert len(chosen) < {0.3: 2500, 3.0: 500}[tolerance]


def test_a_straight_line_has_two_knots():
    assert knots(2.0 * np.arange(1000) - 5, 1e-6).tolist() == [0, 999]
    assert knots(np.array([np.nan, 4.0, np.nan]), 0.1).tolist() == [1]
    assert knots(np.full(4, np.nan), 0.1).tolist() == []
