"""Arrays in a script: the same values come out, and they take few bytes."""

import numpy as np
import pytest

from cvzmpi.web.packed_arrays import packed, unpacked

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")


def pack(array, kind):
    return packed(kind, array.astype(f"<{kind}").tobytes())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", ["random", "slow", "none"])
def test_arrays_come_out_as_they_went_in(kind, values):
    array = {
        "random": np.random.default_rng(1).integers(0, 2**62, 500),
        "slow": np.arange(500),
        "none": np.empty(0),
    }[values].astype(f"<{kind}")
    described = pack(array, kind)
    assert described["type"] == kind
    assert unpacked(described) == array.tobytes()


def test_what_is_not_finite_comes_out_as_it_went_in():
    array = np.array([np.nan, np.inf, -0.0])
    assert unpacked(pack(array, "f8")) == array.tobytes()


def test_texts_come_out_as_they_went_in():
    texts = ["TIC 1", "", "<é>"]
    described = packed("text", "\n".join(texts).encode())
    assert unpacked(described).decode().split("\n") == texts


def test_slow_numbers_take_few_bytes():
    values = np.round(1000 * np.sin(np.arange(20_000) / 500)).astype(np.int32)
    assert len(pack(np.diff(values), "i4")["bytes"]) < 5000
    assert len(pack(np.zeros(20_000), "i4")["bytes"]) < 200


def test_bytes_are_sorted_only_where_that_takes_less():
    few = np.random.default_rng(1).choice([1.2, 3.4, 5.5], 10_000)
    assert not pack(few, "f4")["sorted"]
    assert pack(np.arange(10_000), "f4")["sorted"]


@pytest.mark.parametrize("kind", ["c16", "b1", "U3", "i8"])
def test_what_a_browser_has_no_array_for_is_refused(kind):
    with pytest.raises(ValueError, match="cannot be packed"):
        packed(kind, bytes(48))
