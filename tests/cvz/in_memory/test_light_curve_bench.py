"""What `make bench` says of light curves beside an earlier version is what their runs took."""

import pytest

from cvzmpi.cvz.configuration import InjectConfig
from tools.bench.light_curve.earlier import turn

EARLIER = {"fixed": 2.0, "injections": 0.5, "decisions": "0110"}
OURS = {"fixed": 1.0, "injections": 0.25, "decisions": "0111"}


def test_a_whole_light_curve_takes_what_it_took_however_few_flares_are_compared():
    n_inject = InjectConfig().n_inject
    few = turn(EARLIER, OURS, {"whole": 7.0}, n_inject // 50)
    assert few.whole == turn(EARLIER, OURS, {"whole": 7.0}, n_inject).whole == 7.0
    assert few.earlier_by_stella == pytest.approx(2.0 + 0.5 * 50)
    assert (few.earlier, few.ours, few.n_differing) == (0.5 / 4, 0.25 / 4, 1)
