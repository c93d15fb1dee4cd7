"""Each light curve has the same flares, energies and search time in every product of a campaign."""

from collections import defaultdict

import numpy as np
import pytest

from cvzmpi.cvz.results.products.measured_flares import in_a_rate
from tests.cvz.results.one_campaign import (
    LOSES_LIGHT,
    N_LOST,
    STAR,
    found_otherwise,
    make_campaign,
)
from tests.cvz.results.products_walked import OF_FLARE, PRODUCTS, number

UNITS = {
    (1001, 1): {},
    (1001, 2): {"change": found_otherwise},
    (2001, 1): LOSES_LIGHT,
    (3002, 1): {"flares": (), "header": {}},  # none, of a star without a radius
    (4002, 1): {"model": False},
    (5003, 8): {"header": {**STAR, "CROWDSAP": 0.6, "FLFRCSAP": 0.8}},
    (5003, 9): {"n_done": 40, "header": {**STAR, "CROWDSAP": 0.6}},
}
NOT_DONE = {(4002, 1), (5003, 9)}


@pytest.fixture(scope="module", params=["significance", "stella", "either", "both"])
def campaign(request, tmp_path_factory):
    """A campaign of several stars and sectors, seen by each choice of searches."""
    return make_campaign(tmp_path_factory.mktemp("walked"), UNITS, 2, request.param, NOT_DONE)


@pytest.fixture(scope="module")
def truth(campaign):
    """The numbers of each light curve, of its flares in order of time, and of each star."""
    light_curves, flares, stars = {}, {}, defaultdict(lambda: defaultdict(list))
    for unit, file in campaign.files().items():
        measured, time = file.measured_flares, file.search_time()
        flares[unit] = by_time(
            {name: number(measured[name][i]) for name in OF_FLARE}
            for i in range(len(measured["peak"]))
        )
        durations = measured["equivalent_duration"]
        largest = int(np.argmax(durations)) if len(durations) else None
        light_curves[unit] = {
            "searched": time.searched,
            "evaluated": time.evaluated,
            "n_flares": file.searched.n_flares,
            "largest_flare": None if largest is None else number(durations[largest]),
            "largest_energy": None if largest is None else number(measured["energy"][largest]),
        }
        for name, value in light_curves[unit].items():
            stars[unit[0]][name].append(value)
    for tic, values in stars.items():
        known = [n for n in values["largest_flare"] if n is not None]
        of_largest = values["largest_flare"].index(max(known)) if known else 0
        stars[tic] = {
            "searched": sum(values["searched"]),
            "n_flares": sum(values["n_flares"]),
            "largest_flare": values["largest_flare"][of_largest],
            "largest_energy": values["largest_energy"][of_largest],
        }
    return light_curves, flares, stars


def by_time(flares):
    return sorted(flares, key=lambda flare: flare["peak_time"])


def differences(shown, expected, digits):
    """The numbers that a product shows otherwise than expected, by name."""
    found = {}
    for name, value in shown.items():
        true = expected[name]
        if value is None or true is None:
            same = value is true
        elif digits is None:
            same = np.isclose(value, true, rtol=1e-6, atol=0)
        else:
            same = abs(value - true) <= 0.51 * 10.0**-digits
        if not same:
            found[name] = value, true
    return found


@pytest.mark.parametrize("title", PRODUCTS)
def test_every_product_has_the_same_numbers(campaign, truth, title):
    product = PRODUCTS[title]
    seen = product.read(campaign)
    light_curves, flares, stars = truth
    units = [unit for unit in UNITS if not product.only_done or campaign.is_done(unit)]
    wrong = {}
    if seen.light_curves:
        assert set(seen.light_curves) == set(units)
    for unit, shown in seen.light_curves.items():
        assert shown
        wrong[unit] = differences(shown, light_curves[unit], product.digits)
    if seen.flares:
        assert {unit for unit in seen.flares if seen.flares[unit]} == {
            unit for unit in units if flares[unit]
        }
    for unit, shown in seen.flares.items():
        assert len(shown) == len(flares[unit]), unit
        for i, (ours, true) in enumerate(zip(by_time(shown), flares[unit], strict=True)):
            assert len(ours) > 1
            wrong[(*unit, i)] = differences(ours, true, product.digits)
    if seen.stars:
        assert set(seen.stars) == {tic for tic, _ in UNITS}
    for tic, shown in seen.stars.items():
        wrong[tic] = differences(shown, stars[tic], product.digits)
    assert wrong
    assert {where: found for where, found in wrong.items() if found} == {}


def test_the_campaign_has_what_products_may_treat_differently(campaign, truth):
    _, flares, _ = truth
    files = campaign.files()
    assert (~in_a_rate(files[2001, 1].measured_flares)).sum() >= (
        N_LOST if campaign.search != "both" else 0
    )
    assert flares[3002, 1] == flares[4002, 1] == []
    assert flares[5003, 9]
    energies = [flares[unit][-1]["energy"] for unit in ((1001, 1), (5003, 8))]
    assert energies[0] is not None
    assert energies[1] is not None
