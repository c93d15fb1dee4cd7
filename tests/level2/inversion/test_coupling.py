"""Spatial coupling: neighbours draw a pixel to them, in sweeps that anybody can go on with."""

import h5py
import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.errors import DamagedMapFileError
from cvzmpi.level2.inversion import coupling, inversion_file
from cvzmpi.level2.inversion.map_inversion import MapTickets, Tools, invert_map
from cvzmpi.level2.maps.prepared_map import PreparedMapWriter
from cvzmpi.level2.pixels.coupled_fit import N_OF_FIELD, SCALES, quantities
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, UnitStopped
from tests.edited_hdf5 import edited
from tests.mpi_marks import one_or_all
from tools.harness.hdf5_content import content
from tools.harness.invented_programs import WAVELENGTH

NOISE = 3e-3


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


def smooth(shape):
    """Atmospheres that change from pixel to pixel by less than noise lets one see."""
    x, y = np.mgrid[: shape[0], : shape[1]]
    p = np.empty((*shape, me.N_PARAMETERS))
    p[..., me.FIELD] = 500 + 250 * np.sin(x / 6) * np.cos(y / 7)
    p[..., me.INCLINATION] = 1.2 + 0.5 * np.sin(y / 6)
    p[..., me.AZIMUTH] = (0.1 * np.sin(x / 5)) % np.pi  # on both sides of where it wraps
    p[..., me.VELOCITY] = 0.8 * np.sin(x / 5 + y / 8)
    p[..., me.DOPPLER_WIDTH] = 2.8 + 0.3 * np.cos(y / 5)
    p[..., me.DAMPING] = 0.3
    p[..., me.LINE_STRENGTH] = 12
    p[..., me.SOURCE_CONSTANT] = 0.3 + 0.05 * ((x + y) % 2)  # the granules are not smooth
    p[..., me.SOURCE_GRADIENT] = 0.7
    p[..., me.FILLING_FACTOR] = 1
    return p


def with_boundary(shape):
    """The same, but for half of the map: a pore with 2 kG."""
    p = smooth(shape)
    half = shape[1] // 2
    p[:, half:, me.FIELD] = 2000
    p[:, half:, me.INCLINATION] = 0.3
    p[:, half:, me.VELOCITY] = -1.0
    p[:, half:, me.SOURCE_GRADIENT] = 0.4
    return p


def write_map(path, truth, seed=4):
    random, quiet = np.random.default_rng(seed), np.ones(len(WAVELENGTH))
    with PreparedMapWriter(path, truth.shape[:2], WAVELENGTH, quiet) as writer:
        for step in truth:
            profiles = MilneEddington(WAVELENGTH).stokes(step)
            writer.write(profiles + random.normal(0, NOISE, profiles.shape))
        writer.record = {"simulated": True}
    return path


def invert(prepared, path, team, stop_after=-1, **settings):
    stop, seen = StopRequest(), []

    def steps_done(n):
        seen.append(n)
        if len(seen) == stop_after:
            stop.ask("a test")

    tools = Tools(InversionSettings(**settings), {}, 0.0, fsync=False)
    invert_map(tools, prepared, path, team, Control(stop, steps_done))
    return inversion_file.read(path)


def as_array(found):
    return np.stack([found.parameters[name] for name in me.PARAMETERS], axis=-1)


# ----------------------------------------------------------------- what it does


@pytest.fixture(scope="module")
def smooth_maps(tmp_path_factory):
    """The truth, and the inversions without and with coupling."""
    directory, truth = tmp_path_factory.mktemp("smooth"), smooth((14, 16))
    prepared = write_map(directory / "map.prepared.h5", truth)
    alone = Team.alone()
    by_itself = invert(prepared, directory / "alone.inverted.h5", alone)
    coupled = invert(prepared, directory / "coupled.inverted.h5", alone, coupling=10.0)
    return truth, by_itself, coupled


def test_the_errors_of_smooth_fields_fall(smooth_maps):
    truth, by_itself, coupled = smooth_maps
    expected = quantities(truth)
    before, after = (
        np.median(np.abs(quantities(as_array(found).astype(float)) - expected), axis=(0, 1))
        for found in (by_itself, coupled)
    )
    ratio = after[:-1] / before[:-1]  # there is no filling factor
    found = dict(zip(list(SCALES)[:-1], ratio, strict=True))
    assert found["field along the line of sight"] < 1  # noise hardly changes it
    assert (ratio[1:N_OF_FIELD] < 0.85).all(), found
    assert found["velocity"] < 1.02
    assert max(found["doppler_width"], found["damping"]) < 0.65, found


def test_the_uncertainties_cover_the_errors(smooth_maps):
    truth, _, coupled = smooth_maps
    for name in ("field_strength", "inclination", "velocity", "doppler_width"):
        error = np.abs(coupled.parameters[name] - truth[..., list(me.PARAMETERS).index(name)])
        covered = (error <= coupled.uncertainties[name]).mean()
        assert covered > 0.63, name


def test_chi_squared_stays_that_of_the_noise(smooth_maps):
    _, by_itself, coupled = smooth_maps
    assert np.median(coupled.chi_squared / by_itself.chi_squared) < 1.02


def test_a_sharp_boundary_stays_sharp(tmp_path):
    truth = with_boundary((8, 16))
    prepared = write_map(tmp_path / "map.prepared.h5", truth)
    found = invert(prepared, tmp_path / "map.inverted.h5", Team.alone(), coupling=10.0)
    error = as_array(found)[:, 7:9] - truth[:, 7:9]
    uncertainty = found.uncertainties["field_strength"][:, 7:9]
    assert (np.abs(np.median(error[..., me.FIELD], axis=0)) < np.median(uncertainty, axis=0)).all()
    assert (np.abs(np.median(error[..., me.VELOCITY], axis=0)) < 0.05).all()


# ----------------------------------------------------------------- neighbours


def around_one(parameters, place=(1, slice(0, 3)), strength=1.0):
    shape = parameters.shape[:2]
    return coupling.around(lambda at: parameters[at], place, shape, strength)


def test_neighbours_that_agree_give_their_value_and_the_precision_of_the_strength():
    found = around_one(smooth((1, 1)).repeat(3, axis=0).repeat(3, axis=1), strength=4.0)
    middle = 1
    assert found.mean[middle] == pytest.approx(quantities(smooth((1, 1)))[0, 0])
    assert 1 / np.sqrt(found.precision[middle]) == pytest.approx(np.array([*SCALES.values()]) / 2)
    assert (found.precision[[0, 2]] < found.precision[middle]).all()


def test_unusable_neighbours_do_not_enter_and_those_without_a_field_tell_of_none():
    parameters = smooth((1, 1)).repeat(3, axis=0).repeat(3, axis=1)
    expected = around_one(parameters, (1, slice(1, 2)))
    parameters[0, 1] = np.nan
    parameters[2, 1, me.FIELD] = 0
    found = around_one(parameters, (1, slice(1, 2)))
    assert found.mean == pytest.approx(expected.mean)
    part = found.precision / expected.precision
    assert part[0, :N_OF_FIELD] == pytest.approx(4 / 6)
    assert part[0, N_OF_FIELD:] == pytest.approx(5 / 6)


def test_a_pixel_alone_among_unusable_ones_is_drawn_nowhere():
    parameters = np.full((3, 3, me.N_PARAMETERS), np.nan)
    parameters[1, 1] = smooth((1, 1))[0, 0]
    assert (around_one(parameters, (1, slice(1, 2))).precision == 0).all()


def test_the_neighbourhood_does_not_depend_on_how_the_map_is_cut():
    random = np.random.default_rng(1)
    parameters = smooth((4, 9)) * random.uniform(0.8, 1.2, (4, 9, 1))
    for step in range(4):
        whole = around_one(parameters, (step, slice(0, 9)))
        pieces = [around_one(parameters, (step, slice(*cut))) for cut in ((0, 1), (1, 7), (7, 9))]
        for name in ("mean", "precision", "parameters"):
            joined = np.concatenate([getattr(piece, name) for piece in pieces])
            assert joined.tobytes() == getattr(whole, name).tobytes()


# ----------------------------------------------------------------- the file


@one_or_all
def test_stopped_in_each_sweep_the_map_is_that_of_one_rank(team, tmp_path, kind):
    directory = team.lead(lambda: tmp_path)
    prepared, settings = directory / "map.prepared.h5", {"coupling": 2.0, "coupling_sweeps": 2}

    def by_one():
        write_map(prepared, smooth((3, 70)))
        invert(prepared, directory / "one.inverted.h5", Team.alone(), **settings)
        return content(directory / "one.inverted.h5")

    expected = team.lead(by_one)
    path, n_stops = directory / "map.inverted.h5", 0
    while True:
        try:
            invert(prepared, path, team, stop_after=2, **settings)
            break
        except UnitStopped:
            n_stops += 1
            so_far, progress = inversion_file.read_so_far(path)
            n_first = len(MapTickets((3, 70)))
            if progress.n_tickets_done >= n_first:
                assert np.isfinite(so_far.parameters["velocity"]).all()
    assert n_stops > 1 or team.size > 3
    assert content(path) == expected


def test_a_count_of_sweeps_that_nobody_did_is_damage(tmp_path):
    prepared = write_map(tmp_path / "map.prepared.h5", smooth((2, 3)))
    path = tmp_path / "map.inverted.h5"
    found = invert(prepared, path, Team.alone(), coupling=1.0)
    with h5py.File(path) as file:
        assert "Spatially coupled" in file.attrs["coupling"]
    with edited(path) as file:
        file["sweep"][1, 2] = 2
    with pytest.raises(DamagedMapFileError, match="counts pixels that are not inverted"):
        inversion_file.read(path)
    again = invert(prepared, path, Team.alone(), coupling=1.0)
    assert as_array(again).tobytes() == as_array(found).tobytes()


def test_without_coupling_a_file_has_nothing_of_it(tmp_path):
    prepared = write_map(tmp_path / "map.prepared.h5", smooth((2, 3)))
    invert(prepared, tmp_path / "map.inverted.h5", Team.alone())
    names = content(tmp_path / "map.inverted.h5").keys()
    assert not [name for name in names if "sweep" in name or "coupling" in name]
