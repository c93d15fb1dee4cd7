"""Of several products, the one that was searched best sets from where on flares count."""

import numpy as np
import pytest

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.rates.effective_time import EffectiveTime
from tests.cvz.results.products.made_sector import made_sector

SIZE = np.geomspace(0.3, 1000, 400)


def found_from(size):
    """A search that finds one in 20 of smaller flares, and all larger ones."""
    found = (size < SIZE) | (np.arange(len(SIZE)) % 20 == 0)
    return CompletenessCurve.fit(SIZE, np.repeat(found[:, None], 3, axis=1))


NOTHING_FOUND = CompletenessCurve.fit(SIZE, np.zeros((len(SIZE), 3), bool))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "curve", [NOTHING_FOUND, found_from(5.0), CompletenessCurve.fit(np.empty(0), np.empty((0, 3)))]
)
def test_a_product_without_searched_time_sets_no_bound(curve):
    """As 20 s for stella, which looks at 120 s only."""
    searched = made_sector(1, found_from(60.0), [100.0, 200.0])
    not_searched = made_sector(2, curve, [], days=0.0, product="spoc-20")
    assert StarFfd.of([searched, not_searched]).lower == StarFfd.of([searched]).lower
    assert 40 < StarFfd.of([searched]).lower < 80


@pytest.mark.parametrize("fraction", [0.5, 0.0])
def test_where_nothing_was_found_no_size_is_complete(fraction):
    for days in (0.0, 20.0):
        time = EffectiveTime(np.log(SIZE), np.zeros(len(SIZE)), days)
        assert np.isnan(time.complete_from(fraction))
