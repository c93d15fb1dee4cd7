"""The best box over a peak: the best of all boxes, to the last bit."""

import numpy as np
import pytest

from cvzmpi.cvz.detection.significance.whitened.boxes import best_box

N, PEAK = 401, 203
LENGTHS = np.arange(12, 151)
INFORMATION = 0.3 * LENGTHS**0.8
SCALES = 1 + 0.1 * np.cos(LENGTHS)


def every_box(alpha, usable):
    sums, counts = (np.concatenate([[0.0], np.cumsum(x)]) for x in (alpha, usable))
    best = 0.0
    for length, information, scale in zip(LENGTHS, INFORMATION, SCALES, strict=True):
        for start in range(PEAK - 2 - length, PEAK + 3):
            coverage = (counts[start + length] - counts[start]) / length
            if coverage > 0.6:
                flux = sums[start + length] - sums[start]
                best = max(best, flux / np.sqrt(information * coverage) / scale)
    return best


@pytest.mark.parametrize("n_missing", [0, 20, 250])
@pytest.mark.parametrize("height", [-3.0, 0.0, 0.3, 3.0])
def test_the_best_box_is_the_best_of_all(n_missing, height):
    rng = np.random.default_rng(n_missing)
    for _ in range(5):
        usable = np.ones(N)
        usable[rng.choice(N, n_missing, replace=False)] = 0
        alpha = rng.normal(size=N)
        alpha[PEAK - 20 : PEAK + 30] += height
        alpha *= usable
        best = every_box(alpha, usable)
        arguments = alpha, usable, PEAK, LENGTHS, INFORMATION, SCALES
        assert best_box(*arguments) == best
        # of a limit, only the side on which it is
        assert best_box(*arguments, best) == best
        assert best_box(*arguments, best + 1) == best + 1
        if best > 0:
            assert best_box(*arguments, np.nextafter(best, 0)) == best
            assert 0.9 * best < best_box(*arguments, 0.9 * best) <= best
