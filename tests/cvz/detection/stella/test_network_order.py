"""The order in which the networks are asked."""

import pytest

from cvzmpi.cvz.detection.stella.network_order import network_order


@pytest.mark.parametrize("found", [True, False])
def test_each_network_has_one_place(models, found):
    assert sorted(network_order(len(models), found)) == list(range(len(models)))
    assert list(network_order(3, found)) == [0, 1, 2]


def test_the_same_network_comes_first(models):
    assert network_order(len(models), True)[0] == network_order(len(models), False)[0]
