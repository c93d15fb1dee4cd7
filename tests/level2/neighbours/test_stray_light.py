"""Local stray light: each pixel has the mean intensity of the pixels around."""

import json
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from mpi4py import MPI
from pydantic import ValidationError

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.map_inversion import Tools, invert_map, origin_of
from cvzmpi.level2.maps.map_scale import ASTRONOMICAL_UNIT, MapScale
from cvzmpi.level2.maps.prepared_map import PreparedMap, PreparedMapWriter
from cvzmpi.level2.maps.simulated_map import NOISE, WAVELENGTH, atmospheres
from cvzmpi.level2.neighbours.stray_light import LocalStrayLight, ModelOfPixels
from cvzmpi.level2.pixels.outliers import Quality
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS, MilneEddington
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control
from tests.edited_hdf5 import edited
from tests.mpi_marks import one_or_all
from tools.harness.hdf5_content import content

SHAPE = (8, 24)
COARSE = WAVELENGTH[::2]


def settings(**others):
    given = {"stray_light_radius": 2.3, "stray_light_radius_unit": "pixel"} | others
    return InversionSettings(fit_filling_factor=True, stray_light="local", **given)


def write_map(path, stokes, wavelength=COARSE, scale=None):
    quiet = np.full(len(wavelength), 0.5)
    with PreparedMapWriter(path, stokes.shape[:2], wavelength, quiet) as writer:
        for step in stokes:
            writer.write(step)
        writer.record = {"simulated": True, "scale": None if scale is None else scale.as_record()}
    return PreparedMap.read(path)


def noisy_map(shape=SHAPE, seed=5, wavelength=COARSE):
    """Independent atmospheres, with a pixel each that is dark, without a number, gappy."""
    random = np.random.default_rng(seed)
    stokes = MilneEddington(wavelength).stokes(atmospheres(shape[0] * shape[1], random))
    stokes += random.normal(0, NOISE, stokes.shape)
    stokes = stokes.reshape(*shape, 4, -1)
    stokes[-3, 3] = 0
    stokes[-3, 7] = np.nan
    stokes[-1, 11, 0, 50] = np.nan
    return stokes


def local(prepared, given=None):
    tools = Tools(given or settings(), {}, 0.0, fsync=False)
    return LocalStrayLight.of(prepared, origin_of(prepared, tools).settings_json)


def test_the_mean_is_that_of_the_pixels_within_the_radius_weighted_by_distance(tmp_path):
    stokes = noisy_map().astype("f4")
    found = local(write_map(tmp_path / "map.prepared.h5", stokes)).around((6, slice(0, 24)))
    expected, weights = np.zeros((24, len(COARSE))), np.zeros(24)
    for x in range(SHAPE[0]):
        for y in range(SHAPE[1]):
            if (x, y) in ((5, 3), (5, 7)):
                continue
            light = stokes[x, y, 0].astype(float)
            if (x, y) == (7, 11):
                light[50] = light[[49, 51]].mean()
            for pixel in range(24):
                distance = np.hypot(x - 6, y - pixel)
                if 0 < distance <= 2.3:
                    weight = np.exp(-2 * (distance / 2.3) ** 2)
                    expected[pixel] += weight * light
                    weights[pixel] += weight
    assert found == pytest.approx(expected / weights[:, np.newaxis], abs=1e-6)


def test_the_bits_do_not_depend_on_how_the_map_is_cut(tmp_path):
    stray_light = local(write_map(tmp_path / "map.prepared.h5", noisy_map()))
    for step in range(SHAPE[0]):
        whole = stray_light.around((step, slice(0, 24)))
        assert np.isfinite(whole).all()
        for cut in ([0, 1, 24], [0, 5, 6, 13, 24], [0, 22, 24]):
            pieces = [stray_light.around((step, slice(*ends))) for ends in pairwise(cut)]
            assert np.concatenate(pieces).tobytes() == whole.tobytes()


def test_where_nothing_around_has_light_the_quiet_sun_stands_in(tmp_path):
    stokes = noisy_map()
    stokes[:3, :6] = np.nan
    stokes[0, 0] = noisy_map()[0, 0]
    prepared = write_map(tmp_path / "map.prepared.h5", stokes)
    assert (local(prepared).around((0, slice(0, 1)))[0] == prepared.quiet_profile).all()


def test_what_a_pixel_shows_changes_the_stray_light_within_the_radius_only(tmp_path):
    stokes = noisy_map()
    before = local(write_map(tmp_path / "before.prepared.h5", stokes)).around((4, slice(0, 24)))
    stokes[4, 12] *= 0.5
    after = local(write_map(tmp_path / "after.prepared.h5", stokes)).around((4, slice(0, 24)))
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [10, 11, 13, 14]


def test_the_radius_in_arcsec_is_by_the_scale_of_the_map(tmp_path):
    scale = MapScale(0.5, 0.2, (0.0, 0.0), ASTRONOMICAL_UNIT)
    prepared = write_map(tmp_path / "map.prepared.h5", noisy_map(), scale=scale)
    weights = local(
        prepared, settings(stray_light_radius=0.55, stray_light_radius_unit="arcsec")
    ).weights
    assert set(weights) == {(0, -2), (0, -1), (0, 1), (0, 2), (-1, 0), (-1, 1), (-1, -1)} | {
        (1, 0),
        (1, 1),
        (1, -1),
    }
    assert weights[1, 0] == pytest.approx(np.exp(-2 * (0.5 / 0.55) ** 2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stray_light_radius_unit": "arcsec"}, r"no scale on the Sun, .* = \"pixel\""),
        ({"stray_light_radius": 0.9}, "no pixel is within stray_light_radius 0.9 pixel"),
    ],
)
def test_a_radius_that_does_not_fit_the_map_is_refused(tmp_path, given, said):
    prepared = write_map(tmp_path / "map.prepared.h5", noisy_map())
    with pytest.raises(MapFileError, match=said):
        local(prepared, settings(**given))


def test_a_radius_of_too_many_pixels_is_refused(tmp_path):
    scale = MapScale(0.5, 0.01, (0.0, 0.0), ASTRONOMICAL_UNIT)
    stokes = np.ones((1, 300, 4, 8))
    prepared = write_map(tmp_path / "map.prepared.h5", stokes, COARSE[:8], scale)
    with pytest.raises(MapFileError, match=r"2\.3 arcsec is 229 pixels, expected at most 100"):
        local(prepared, settings(stray_light_radius_unit="arcsec"))


def test_local_stray_light_without_a_filling_factor_is_refused():
    with pytest.raises(ValidationError, match="expected fit_filling_factor = true"):
        InversionSettings(stray_light="local")


# ----------------------------------------------------------------- inversions


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


def scattered_map(path, shape, seed=3):
    """A map of 1 kG whose pixels have the light of those around, as `LocalStrayLight` weighs it.

    The granulation changes from pixel to pixel, so that no global profile is right.
    """
    random = np.random.default_rng(seed)
    p = atmospheres(shape[0] * shape[1], random)
    p[:, me.FIELD] = 1000
    p[:, me.LINE_STRENGTH] = random.uniform(8, 20, len(p))
    p[:, me.VELOCITY] = random.uniform(-1.5, 1.5, len(p))
    p[:, me.FILLING_FACTOR] = random.uniform(0.3, 0.8, len(p))
    magnetic = MilneEddington(WAVELENGTH).stokes(p).reshape(*shape, 4, -1)
    part = p[:, me.FILLING_FACTOR].reshape(*shape, 1)
    light = magnetic[:, :, 0]
    for _ in range(60):  # the stray light is of what the others show: a contraction
        prepared = write_map(path, with_intensity(magnetic, light), WAVELENGTH)
        stray_light = local(prepared)
        around = [stray_light.around((step, slice(0, shape[1]))) for step in range(shape[0])]
        new = part * magnetic[:, :, 0] + (1 - part) * np.array(around)
        if np.abs(new - light).max() < 3e-5:
            break
        light = new
    stokes = with_intensity(part[..., np.newaxis] * magnetic, light)
    write_map(path, stokes + random.normal(0, NOISE, stokes.shape), WAVELENGTH)
    return p


def with_intensity(stokes, light):
    stokes = stokes.copy()
    stokes[:, :, 0] = light
    return stokes


def inverted(prepared, path, team, given):
    control = Control(StopRequest(), lambda steps: None)
    invert_map(Tools(given, {}, 0.0, fsync=False), prepared, path, team, control)
    return inversion_file.read(path)


def test_fields_and_filling_factors_are_found_where_the_light_is_of_the_pixels_around(tmp_path):
    alone = Team(MPI.COMM_SELF.Dup())
    prepared = tmp_path / "map.prepared.h5"
    truth = scattered_map(prepared, (7, 24))
    found = inverted(prepared, tmp_path / "local.inverted.h5", alone, settings())
    error = found.parameters["field_strength"].ravel() - truth[:, me.FIELD]
    covered = np.abs(error) <= found.uncertainties["field_strength"].ravel()
    assert abs(np.median(error)) < 5
    assert abs(error.mean()) < 5
    assert 0.55 < covered.mean() < 0.8
    part = found.parameters["filling_factor"].ravel() - truth[:, me.FILLING_FACTOR]
    assert np.median(np.abs(part)) < 0.01
    everywhere = settings().model_copy(update={"stray_light": "global"})
    other = inverted(prepared, tmp_path / "global.inverted.h5", alone, everywhere)
    wrong = np.abs(other.parameters["filling_factor"].ravel() - truth[:, me.FILLING_FACTOR])
    assert np.median(wrong) > 5 * np.median(np.abs(part))


@one_or_all
def test_a_map_is_that_of_one_rank_to_the_last_bit(team, tmp_path, kind):
    directory = team.lead(lambda: tmp_path)
    prepared = directory / "map.prepared.h5"

    def by_one():
        write_map(prepared, noisy_map((3, 70)))
        alone = Team(MPI.COMM_SELF.Dup())
        inverted(prepared, directory / "one.inverted.h5", alone, settings())
        return content(directory / "one.inverted.h5")

    expected = team.lead(by_one)
    inverted(prepared, directory / "map.inverted.h5", team, settings())
    assert content(directory / "map.inverted.h5") == expected


def test_a_spike_of_a_pixel_around_is_left_out_and_flagged(tmp_path):
    alone = Team(MPI.COMM_SELF.Dup())
    scattered_map(tmp_path / "map.prepared.h5", (3, 12))
    before = inverted(
        tmp_path / "map.prepared.h5", tmp_path / "before.inverted.h5", alone, settings()
    )
    with edited(tmp_path / "map.prepared.h5") as file:
        file["stokes"][1, 5, 0, 70] += 0.5
        file.attrs["stokes_sha256"] = sha256(file["stokes"][()].tobytes()).hexdigest()
    after = inverted(
        tmp_path / "map.prepared.h5", tmp_path / "after.inverted.h5", alone, settings()
    )
    around = 1, [4, 6]
    error = before.uncertainties["field_strength"][around]
    change = after.parameters["field_strength"] - before.parameters["field_strength"]
    assert (np.abs(change[around]) < error).all()
    assert (after.quality[around] & Quality.SPIKES).all()
    far = np.abs(np.arange(12) - 5) > 2
    assert (change[:, far] == 0).all()


def test_the_profiles_are_made_again_from_the_file(tmp_path):
    """For pictures and products: chi squared is that of the fit."""
    alone = Team(MPI.COMM_SELF.Dup())
    path = tmp_path / "map.prepared.h5"
    prepared = write_map(path, noisy_map())
    found = inverted(path, tmp_path / "map.inverted.h5", alone, settings(noise=NOISE))
    place = 4, slice(3, 9)
    model = ModelOfPixels.of(prepared, found.origin.settings_json, None).at(place)
    parameters = np.stack([found.parameters[name][place] for name in PARAMETERS], axis=1)
    used = local(prepared).used
    residual = (prepared.read_profiles(place) - model.stokes(parameters.astype(float))) / NOISE
    chi_squared = (residual[:, :, used] ** 2).sum(axis=(1, 2)) / (4 * used.sum() - 10)
    assert chi_squared == pytest.approx(found.chi_squared[place], rel=1e-3)
    assert json.loads(found.origin.settings_json)["stray_light"] == "local"
