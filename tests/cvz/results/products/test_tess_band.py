"""Energies of flares: those that are published for the same flares of the same stars."""

import csv
import math

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.injection.flare_shape import equivalent_duration
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale, band_luminosity


@pytest.fixture(scope="module")
def ratios(shared_data):
    """Our energy over the published one of each flare, by star, where the header knows the star."""
    stars = {}
    for path in (shared_data / "tess").glob("*.fits"):
        header = fits.getheader(path)
        stars[str(header["TICID"])] = header.get("RADIUS"), header.get("TEFF")
    found = {}
    with (shared_data / "flares_guenther2020.csv").open() as file:
        for flare in csv.DictReader(file):
            scale = FlareEnergyScale.of_star(*stars.get(flare["tic"], (None, None)))
            if math.isfinite(scale.power):
                duration = equivalent_duration(float(flare["amp"]), float(flare["fwhm_d"]))
                energy = float(scale.energy(duration, 0.0)[0])
                found.setdefault(flare["tic"], []).append(energy / float(flare["ebol_erg"]))
    return found


def test_the_band_of_the_sun_has_a_third_of_its_light():
    """Of 3.83e33 erg/s; 34 % by the full response table."""
    assert band_luminosity(1.0, 5772.0) / 3.828e33 == pytest.approx(0.342, abs=0.01)
    ratio = band_luminosity(0.5, 3200.0) / band_luminosity(1.0, 3200.0)
    assert ratio == pytest.approx(0.25)


@pytest.mark.parametrize("tic", ["425933644", "149603524", "32150630"])
def test_energies_are_those_of_guenther_2020(ratios, tic):
    """Within 1.3, most of it the flare's shape: theirs is that of Davenport et al. 2014."""
    assert all(1 / 1.3 < ratio < 1.3 for ratio in ratios[tic])
    assert np.mean(ratios[tic]) == pytest.approx(1, abs=0.12)


def test_where_the_catalogue_has_another_radius_they_differ_by_it(ratios):
    """Of a subgiant, whose header (TIC 7) and publication may have different parameters."""
    assert all(1.4 < ratio < 2.05 for ratio in ratios["410214986"])


def test_the_error_is_of_the_duration_and_of_the_star():
    scale = FlareEnergyScale.of_star(0.3, 3300.0)
    assert 0.2 < scale.relative_error < 0.35  # 157 K are 5 % of the temperature
    assert 0.1 < FlareEnergyScale.of_star(1.0, 5772.0).relative_error < 0.14
    energy, error = scale.energy(np.array([100.0, 100.0]), np.array([0.0, 100.0]))
    assert error[0] == pytest.approx(scale.relative_error * energy[0])
    assert error[1] == pytest.approx(energy[0] * math.hypot(1, scale.relative_error))


@pytest.mark.parametrize("facts", [(None, 3300.0), (0.3, None), (0.0, 3300.0), (math.nan, 3300.0)])
def test_without_radius_or_temperature_there_is_no_energy(facts):
    energy, error = FlareEnergyScale.of_star(*facts).energy(np.array([10.0]), np.array([1.0]))
    assert np.isnan([energy, error]).all()


def test_the_band_of_kepler_is_another():
    """Its integrals over the full response table: 0.391 of the sun's light, 0.171 at 3200 K."""
    assert band_luminosity(1.0, 5772.0, "KIC") / 3.828e33 == pytest.approx(0.391, rel=0.015)
    of_all = 0.3**2 * (3200 / 5772) ** 4 * 3.828e33
    assert band_luminosity(0.3, 3200.0, "EPIC") / of_all == pytest.approx(0.171, rel=0.015)


def test_a_flare_on_a_cool_star_is_brighter_for_kepler():
    """Its band is bluer: the same energy has more than twice the equivalent duration."""
    power = {name: FlareEnergyScale.of_star(0.3, 3200.0, name).power for name in ("TIC", "KIC")}
    assert power["TIC"] / power["KIC"] == pytest.approx(2.21, rel=0.02)
