"""A map of Ca II 854.2 nm is as safe as an inverted one, and the same whoever measures it."""

import shutil

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import calcium_file, inversion_file
from cvzmpi.level2.inversion.calcium_maps import work_on_map
from cvzmpi.level2.inversion.map_inversion import Tools
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.maps.simulated_map import simulate_prepared
from cvzmpi.level2.pixels.calcium import PRODUCTS, measure
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.mpi.stopping import StopRequest
from cvzmpi.mpi.team import Team
from cvzmpi.scheduler.campaign import Control, UnitStopped
from tests.edited_hdf5 import edited
from tests.level2.simulated_calcium import simulate_prepared_calcium
from tests.mpi_marks import one_or_all
from tools.harness.hdf5_content import content
from tools.harness.job_process import run

SHAPE = (3, 100)


@pytest.fixture(scope="module")
def team():
    return Team(MPI.COMM_WORLD.Dup())


@pytest.fixture
def directory(team, tmp_path):
    """The leader's, on all ranks."""
    return team.lead(lambda: tmp_path)


@pytest.fixture(scope="module")
def prepared(team, tmp_path_factory):
    directory = tmp_path_factory.mktemp("prepared")
    return team.lead(lambda: simulate_prepared_calcium(directory, "map", SHAPE))


@pytest.fixture(scope="module")
def expected(team, prepared, tmp_path_factory):
    """The content of the file that one rank makes by itself."""

    def make():
        path = tmp_path_factory.mktemp("expected") / "map.inverted.h5"
        work(Team(MPI.COMM_SELF.Dup()), prepared, path, interval=1e9)
        return content(path)

    return team.lead(make)


def work(team, prepared, path, interval=0.0, stop_after=None, **settings):
    stop, steps = StopRequest(), []

    def steps_done(n):
        steps.append(n)
        if len(steps) == stop_after:
            stop.ask("a test")

    tools = Tools(InversionSettings(**settings), {}, interval, fsync=False)
    return work_on_map(tools, prepared, path, team, Control(stop, steps_done))


@one_or_all
def test_it_is_that_of_one_rank_to_the_last_bit(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    assert work(team, prepared, path) == {"path": str(path)}
    assert content(path) == expected


@one_or_all
def test_stopped_it_goes_on_where_it_was(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    with pytest.raises(UnitStopped):
        work(team, prepared, path, stop_after=1)
    assert 0 < inversion_file.read_progress(path).n_tickets_remaining < 6
    work(team, prepared, path)
    assert content(path) == expected


@one_or_all
def test_pixels_beyond_the_count_are_measured_again(team, directory, prepared, expected, kind):
    path = directory / "map.inverted.h5"
    work(team, prepared, path)

    def spoil():
        with edited(path) as file:
            file.attrs["n_tickets_remaining"] = np.int64(3)
            file["core/velocity"][1, 80:] = 99
            file["status"][2] = 0

    team.lead(spoil)
    work(team, prepared, path)
    assert content(path) == expected


def test_what_is_in_the_file_is_what_was_measured(prepared, tmp_path, team):
    path = tmp_path / "map.inverted.h5"
    work(Team(MPI.COMM_SELF.Dup()), prepared, path)
    found = calcium_file.read(path)
    place = (1, slice(0, 64))
    map_of = PreparedMap.read(prepared)
    direct = measure(map_of.wavelength, map_of.read_profiles(place), InversionSettings())
    for name in PRODUCTS:
        assert np.array_equal(found.values[name][place], direct.values[name].astype("f4"))
    assert (found.status == 1).all()
    assert calcium_file.is_calcium(path)


def test_other_settings_and_other_kinds_are_refused_with_one_line(prepared, tmp_path):
    alone, path = Team(MPI.COMM_SELF.Dup()), tmp_path / "map.inverted.h5"
    with pytest.raises(UnitStopped):
        work(alone, prepared, path, stop_after=1)
    with pytest.raises(MapFileError, match=r"tickets? (is|are) not measured yet"):
        calcium_file.read(path)
    with pytest.raises(MapFileError, match="noise"):
        work(alone, prepared, path, noise=2e-3)
    with pytest.raises(MapFileError, match="by the weak-field approximation, expected Milne"):
        inversion_file.read(path)
    iron, _ = simulate_prepared(tmp_path, "iron", (1, 2))
    work(alone, iron, tmp_path / "iron.inverted.h5")
    assert not calcium_file.is_calcium(tmp_path / "iron.inverted.h5")
    with pytest.raises(MapFileError, match="by Milne-Eddington, expected weak-field"):
        calcium_file.read(tmp_path / "iron.inverted.h5")


def test_damage_is_kept_aside_and_begun_anew(prepared, tmp_path, expected):
    path = tmp_path / "map.inverted.h5"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    result = work(Team(MPI.COMM_SELF.Dup()), prepared, path)
    assert "started anew" in result["note"]
    assert content(path) == expected


@pytest.mark.parametrize(("ranks", "per_team"), [(1, 1), (3, 2)])
def test_the_command_measures_maps_of_calcium_beside_those_of_iron(
    prepared, expected, tmp_path, ranks, per_team
):
    directory = tmp_path / "prepared"
    directory.mkdir()
    shutil.copy(prepared, directory)
    simulate_prepared(directory, "iron", (1, 4))
    command = ["level2", "invert", directory, "--output", tmp_path, "--ranks-per-team", per_team]
    ended = run([str(word) for word in command], ranks=ranks if ranks > 1 else None)
    assert ended.status == 0, ended.stderr
    made = content(tmp_path / "map.inverted.h5")
    for name in PRODUCTS:
        assert made[name] == expected[name]
    assert inversion_file.read(tmp_path / "iron.inverted.h5").status.all()
