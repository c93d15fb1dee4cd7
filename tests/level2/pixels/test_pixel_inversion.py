"""What the inversion finds in profiles whose atmospheres are known."""

import numpy as np
import pytest

from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres, noisy_profiles
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED, NOT_CONVERGED, UNUSABLE, Inverted
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy import tellurics
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington

SETTINGS = InversionSettings(noise=NOISE)
N = 384


@pytest.fixture(scope="module")
def model():
    return MilneEddington(WAVELENGTH)


@pytest.fixture(scope="module")
def truth():
    return atmospheres(N, np.random.default_rng(21))


@pytest.fixture(scope="module")
def observed(truth):
    return noisy_profiles(truth, np.random.default_rng(22))


@pytest.fixture(scope="module")
def inverted(model, observed):
    return invert(model, observed, SETTINGS)


def errors(inverted, truth):
    difference = inverted.parameters - truth
    azimuth = difference[:, me.AZIMUTH]
    difference[:, me.AZIMUTH] = (azimuth + np.pi / 2) % np.pi - np.pi / 2
    return difference


def same(one, other):
    return all(
        np.array_equal(values, getattr(other, name), equal_nan=True)
        for name, values in vars(one).items()
    )


def part(inverted, rows):
    return Inverted(**{name: values[rows] for name, values in vars(inverted).items()})


def test_field_direction_and_velocity_are_found_at_a_noise_of_a_thousandth(inverted, truth):
    """The acceptance: fields above 300 G, medians below 10 G, 0.5 degrees and 20 m/s."""
    strong = truth[:, me.FIELD] > 300
    median = np.median(np.abs(errors(inverted, truth)[strong]), axis=0)
    assert median[me.FIELD] < 10
    assert np.degrees(median[me.INCLINATION]) < 0.5
    assert np.degrees(median[me.AZIMUTH]) < 0.5
    assert median[me.VELOCITY] < 0.020


def test_nearly_all_fits_are_good(inverted):
    assert (inverted.status == CONVERGED).mean() > 0.99
    assert (inverted.chi_squared < 1.3).mean() > 0.99


def test_the_uncertainties_are_what_the_errors_are(inverted, truth):
    strong = truth[:, me.FIELD] > 300
    free = slice(0, me.FILLING_FACTOR)
    pull = (errors(inverted, truth)[:, free] / inverted.uncertainties[:, free])[strong]
    spread = 1.4826 * np.median(np.abs(pull), axis=0)
    assert spread == pytest.approx(np.ones(me.FILLING_FACTOR), abs=0.15)
    assert (inverted.uncertainties[:, me.FILLING_FACTOR] == 0).all()


def test_angles_are_in_their_ranges(inverted):
    assert inverted.parameters[:, me.FIELD].min() >= 0
    for index in (me.INCLINATION, me.AZIMUTH):
        assert inverted.parameters[:, index].min() >= 0
        assert inverted.parameters[:, index].max() <= np.pi


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_pixel_does_not_depend_on_its_batch(model, observed, inverted, size):
    for first in range(0, 3 * size, size):
        rows = slice(first, first + size)
        assert same(invert(model, observed[rows], SETTINGS), part(inverted, rows))


def test_a_pixel_does_not_depend_on_the_order(model, observed, inverted):
    order = np.random.default_rng(1).permutation(100)
    assert same(invert(model, observed[order], SETTINGS), part(inverted, order))


def test_pixels_without_light_are_unusable_and_the_others_are_inverted(model, observed, inverted):
    spoiled = observed[:6].copy()
    spoiled[1] = 0
    spoiled[3] = np.nan
    spoiled[4, :, :100] = np.nan
    result = invert(model, spoiled, SETTINGS)
    assert result.status.tolist() == [1, UNUSABLE, 1, UNUSABLE, UNUSABLE, 1]
    for values in (result.parameters, result.uncertainties, result.chi_squared):
        assert np.isnan(values[[1, 3, 4]]).all()
    assert same(part(result, [0, 2, 5]), part(inverted, [0, 2, 5]))


def test_nothing_usable_is_no_error(model):
    result = invert(model, np.zeros((3, 4, len(WAVELENGTH))), SETTINGS)
    assert (result.status == UNUSABLE).all()


def test_too_few_iterations_are_reported(model, observed):
    result = invert(model, observed[:20], InversionSettings(max_iterations=1, restarts=0))
    assert (result.status == NOT_CONVERGED).all()


def test_absorption_by_the_air_changes_nothing(model, observed, inverted):
    with_oxygen = observed[:20].copy()
    with_oxygen[:, :, tellurics.mask_of(WAVELENGTH)] *= 0.6
    assert same(invert(model, with_oxygen, SETTINGS), part(inverted, slice(0, 20)))
    all_used = InversionSettings(noise=NOISE, exclude_tellurics=False, restarts=0)
    assert (invert(model, with_oxygen, all_used).chi_squared > 2).all()


def test_masked_ranges_are_left_out(model, observed):
    spoiled = observed[:8].copy()
    hairline = (WAVELENGTH > 630.11) & (WAVELENGTH < 630.12)
    spoiled[:, :, hairline] *= 0.9
    masked = InversionSettings(noise=NOISE, masked=[[630.11, 630.12]])
    assert same(invert(model, spoiled, masked), invert(model, observed[:8], masked))
    assert (invert(model, spoiled, SETTINGS).chi_squared > 2).all()


@pytest.mark.parametrize("wrong", [[[630.12, 630.11]], [[-1, 2]], [[630.1]], [["a", 1]]])
def test_a_wrong_range_is_refused(wrong):
    with pytest.raises(ValueError, match="masked"):
        InversionSettings(masked=wrong)


def test_weights_divide_the_noise(model, observed):
    doubled = invert(model, observed[:8], InversionSettings(noise=NOISE, weights=(2, 2, 2, 2)))
    halved = invert(model, observed[:8], InversionSettings(noise=NOISE / 2))
    assert same(doubled, halved)


def test_the_filling_factor_is_found_where_stray_light_is_given(truth):
    at = truth[truth[:, me.FIELD] > 1500][:60].copy()
    at[:, me.FILLING_FACTOR] = np.linspace(0.3, 0.9, len(at))
    quiet = truth[:1].copy()
    quiet[:, me.FIELD] = 0
    stray_light = MilneEddington(WAVELENGTH).stokes(quiet)[0, 0]
    model = MilneEddington(WAVELENGTH, stray_light=stray_light)
    noise = np.random.default_rng(3).normal(0, NOISE, (len(at), 4, len(WAVELENGTH)))
    result = invert(model, model.stokes(at) + noise, SETTINGS)
    error = np.abs(result.parameters - at)
    assert np.median(error[:, me.FILLING_FACTOR]) < 0.03
    assert np.median(error[:, me.FIELD]) < 20


@pytest.mark.parametrize("filling_factor", [0.2, 0.5, 1.0])
def test_a_fitted_filling_factor_biases_neither_fields_nor_uncertainties(filling_factor):
    """The acceptance: at 1 kG a bias of at most 5 G, and 63 to 73 % within the uncertainties."""
    random = np.random.default_rng(5)
    at = atmospheres(1500, random)  # of 300, chance alone has the part within vary by 0.03
    at[:, me.FIELD], at[:, me.FILLING_FACTOR] = 1000, filling_factor
    quiet = atmospheres(50, random)
    quiet[:, me.FIELD] = 0
    stray_light = MilneEddington(WAVELENGTH).stokes(quiet)[:, 0].mean(axis=0)
    model = MilneEddington(WAVELENGTH, stray_light=stray_light)
    noise = random.normal(0, NOISE, (len(at), 4, len(WAVELENGTH)))
    result = invert(model, model.stokes(at) + noise, SETTINGS)
    error = result.parameters[:, me.FIELD] - at[:, me.FIELD]
    assert abs(np.median(error)) < 5
    assert 0.63 < np.mean(np.abs(error) < result.uncertainties[:, me.FIELD]) < 0.73
