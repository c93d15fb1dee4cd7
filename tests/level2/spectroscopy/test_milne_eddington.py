"""The synthesis against the transfer equation itself, and its derivatives against differences."""

import numpy as np
import pytest
from scipy.special import wofz

from cvzmpi.level2.maps.simulated_map import WAVELENGTH, atmospheres
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630, SPEED_OF_LIGHT, zeeman_pattern

QUIET = 1 - 0.6 * np.exp(-(((WAVELENGTH - 630.15) / 0.006) ** 2))


@pytest.fixture(scope="module")
def parameters():
    return atmospheres(12, np.random.default_rng(3))


def propagation_matrix(parameters, wavelength):
    """4 x 4, at one wavelength, written down from Landi Degl'Innocenti & Landolfi's chapter 9."""
    field, inclination, azimuth, velocity, width, damping, strength = parameters[:7]
    eta, rho = dict.fromkeys((-1, 0, 1), 0.0), dict.fromkeys((-1, 0, 1), 0.0)
    for line in FE_I_630:
        relative = 10 ** (line.log_gf - FE_I_630[0].log_gf)
        for c in zeeman_pattern(line):
            centre = line.wavelength * (1 + velocity / SPEED_OF_LIGHT)
            centre += c.shift * line.splitting() * field * 1e-3
            w = wofz((wavelength - centre) * 1e3 / width + 1j * damping)
            eta[c.polarisation] += strength * relative * c.strength * w.real
            rho[c.polarisation] += strength * relative * c.strength * w.imag

    def by_stokes(p):
        sigma = (p[-1] + p[1]) / 2
        linear = (p[0] - sigma) / 2 * np.sin(inclination) ** 2
        return (
            (p[0] * np.sin(inclination) ** 2 + sigma * (1 + np.cos(inclination) ** 2)) / 2,
            linear * np.cos(2 * azimuth),
            linear * np.sin(2 * azimuth),
            (p[1] - p[-1]) / 2 * np.cos(inclination),
        )

    i, q, u, v = by_stokes(eta)
    _, rq, ru, rv = by_stokes(rho)
    return np.array(
        [
            [1 + i, q, u, v],
            [q, 1 + i, rv, -ru],
            [u, -rv, 1 + i, rq],
            [v, ru, -rq, 1 + i],
        ]
    )


def test_the_profiles_solve_the_transfer_equation(parameters):
    """With a linear source function, I = S0 e + S1 K^-1 e, where e = (1, 0, 0, 0)."""
    wavelength = WAVELENGTH[::12]
    stokes = MilneEddington(wavelength).stokes(parameters)
    for p, of_pixel in zip(parameters, stokes, strict=True):
        for index, place in enumerate(wavelength):
            inverse = np.linalg.inv(propagation_matrix(p, place))
            expected = p[me.SOURCE_GRADIENT] * inverse[:, 0]
            expected[0] += p[me.SOURCE_CONSTANT]
            assert of_pixel[:, index] == pytest.approx(expected, abs=2e-7)


@pytest.mark.parametrize("name", me.PARAMETERS)
def test_the_derivatives_are_those_of_the_profiles(parameters, name):
    index = list(me.PARAMETERS).index(name)
    model = MilneEddington(WAVELENGTH, stray_light=QUIET)
    at = parameters.copy()
    at[:, me.FILLING_FACTOR] = np.linspace(0.3, 1, len(at))
    derivative = model.stokes_and_derivatives(at)[1][:, index]
    step = 1e-4 * np.maximum(np.abs(at[:, index]), 0.1)
    more, less = at.copy(), at.copy()
    more[:, index] += step
    less[:, index] -= step
    difference = (model.stokes(more) - model.stokes(less)) / (2 * step)[:, np.newaxis, np.newaxis]
    assert np.abs(derivative - difference).max() < 1e-5 * np.abs(derivative).max()


def test_without_stray_light_the_filling_factor_has_no_effect(parameters):
    model = MilneEddington(WAVELENGTH)
    less = parameters.copy()
    less[:, me.FILLING_FACTOR] = 0.4
    assert np.array_equal(model.stokes(less), model.stokes(parameters))
    assert not model.stokes_and_derivatives(less)[1][:, me.FILLING_FACTOR].any()


def test_the_opposite_direction_across_looks_the_same_and_along_it_turns_v(parameters):
    model = MilneEddington(WAVELENGTH)
    stokes = model.stokes(parameters)
    opposite = parameters.copy()
    opposite[:, me.AZIMUTH] += np.pi
    assert model.stokes(opposite) == pytest.approx(stokes, abs=1e-12)
    away = parameters.copy()
    away[:, me.INCLINATION] = np.pi - away[:, me.INCLINATION]
    assert model.stokes(away)[:, 0] == pytest.approx(stokes[:, 0], abs=1e-12)
    assert model.stokes(away)[:, 3] == pytest.approx(-stokes[:, 3], abs=1e-12)


def test_a_field_towards_the_observer_has_its_positive_lobe_of_v_in_the_blue(parameters):
    at = parameters[:1].copy()
    at[:, [me.FIELD, me.INCLINATION, me.VELOCITY]] = 1500, 0, 0
    v = MilneEddington(WAVELENGTH).stokes(at)[0, 3]
    blue = np.abs(WAVELENGTH - (FE_I_630[1].wavelength - 0.006)) < 0.006
    assert v[blue].sum() > 0.1


@pytest.mark.parametrize("velocity", [-2.0, 3.0])
def test_a_positive_velocity_is_a_redshift(parameters, velocity):
    at = parameters[:1].copy()
    at[:, [me.FIELD, me.VELOCITY]] = 0, velocity
    intensity = MilneEddington(WAVELENGTH).stokes(at)[0, 0]
    near = np.abs(WAVELENGTH - 630.25) < 0.03
    centre = WAVELENGTH[near][np.argmin(intensity[near])]
    expected = FE_I_630[1].wavelength * (1 + velocity / SPEED_OF_LIGHT)
    assert centre == pytest.approx(expected, abs=0.0013)


def test_a_pixel_does_not_depend_on_its_batch(parameters):
    model = MilneEddington(WAVELENGTH)
    stokes, derivatives = model.stokes_and_derivatives(parameters)
    for n in (1, 5):
        some_stokes, some_derivatives = model.stokes_and_derivatives(parameters[:n])
        assert np.array_equal(some_stokes, stokes[:n])
        assert np.array_equal(some_derivatives, derivatives[:n])
