"""The time that was searched: what could be evaluated, without what a found flare hides."""

import numpy as np
import pytest

import cvzmpi
from tests.cvz.example_file import EXPOSURE, write_example

N_FLARE, MERGE_GAP = 14, 20


@pytest.mark.parametrize("model", [True, False])
def test_flares_and_what_would_join_them_are_not_searched(tmp_path, model):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", model=model))
    time = file.search_time()
    evaluated = np.isfinite(file.data.probability).sum()
    assert time.evaluated == pytest.approx(evaluated * EXPOSURE)
    hidden = 2 * (N_FLARE + MERGE_GAP)
    assert time.searched == pytest.approx((evaluated - hidden) * EXPOSURE)


def test_without_flares_all_that_is_evaluated_is_searched(tmp_path):
    time = cvzmpi.read(write_example(tmp_path / "1.h5", flares=())).search_time()
    assert time.searched == time.evaluated > 0
