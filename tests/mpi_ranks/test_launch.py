"""The start of a job: threads, the size of the world, what rank 0 does first, the teams."""

import os
import sys
from types import SimpleNamespace

import h5py
import pytest
from mpi4py import MPI

from cvzmpi.errors import ConfigError, LaunchError
from cvzmpi.mpi import launch, launcher
from cvzmpi.mpi.launch import World, check_parallel_hdf5, pin_to_one_core
from cvzmpi.mpi.launcher import without_launcher
from cvzmpi.mpi.team import Team
from tests.mpi_marks import mpi

# ----------------------------------------------------------------- one core a rank


def test_one_thread_whatever_the_environment_says(monkeypatch):
    monkeypatch.setattr(launch.os, "environ", {"OMP_NUM_THREADS": "16", "HOME": "/home/me"})
    pin_to_one_core()
    for library in ("OMP", "OPENBLAS", "MKL"):
        assert os.environ[f"{library}_NUM_THREADS"] == "1"
    assert os.environ["HOME"] == "/home/me"


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx2 avx512f avx512bw avx512dq avx512vl avx512cd", True),
        ("fpu avx2 avx512f", False),
        ("fpu avx2", False),
    ],
)
def test_openblas_is_told_of_avx512_only_where_all_of_it_is_there(tmp_path, flags, expected):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\nmodel name\t: avx512f\nflags\t\t: {flags}\n")
    assert launch._has_avx512(cpuinfo) is expected
    assert launch._has_avx512(tmp_path / "nothing") is False


def test_a_choice_of_blas_kernels_is_respected(monkeypatch):
    monkeypatch.setattr(launch, "_has_avx512", lambda: True)
    monkeypatch.setattr(launch.os, "environ", {"OPENBLAS_CORETYPE": "Haswell"})
    pin_to_one_core()
    assert os.environ["OPENBLAS_CORETYPE"] == "Haswell"


# ----------------------------------------------------------------- the size of the world


@mpi
def test_a_started_world_has_the_size_of_the_launcher():
    world = World.start()
    assert world.size == MPI.COMM_WORLD.Get_size() >= 2
    assert world.rank == MPI.COMM_WORLD.Get_rank()


# ----------------------------------------------------------------- without MPI


@pytest.fixture(params=["mpi4py is not installed", "no MPI library"])
def no_mpi(request, monkeypatch):
    """Take MPI away; the fixture is the reason that is told."""
    error = (
        ModuleNotFoundError("No module named 'mpi4py'", name="mpi4py")
        if "installed" in request.param
        else RuntimeError("cannot load MPI library\nlibmpi.so: cannot open shared object file")
    )

    class NoMpi:
        def find_spec(self, name, *_):
            if name.partition(".")[0] == "mpi4py":
                raise error

    for name in [name for name in sys.modules if name.partition(".")[0] == "mpi4py"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoMpi(), *sys.meta_path])
    monkeypatch.setattr(launch.os, "environ", without_launcher())
    return request.param


def test_a_process_that_nobody_launched_is_a_world_alone_without_a_word(no_mpi, capfd):
    world = World.start()
    assert (world.rank, world.size, world.n_nodes()) == (0, 1, 1)
    assert world.first(lambda: 3) == 3
    assert world.scatter([1, 2, 3], lambda n: n * n) == [1, 4, 9]
    assert world.form_team(3).is_leader
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("size", "rank"), [("PMI_SIZE", "PMI_RANK"), ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID")]
)
def test_several_ranks_without_mpi_are_refused_in_one_line(no_mpi, monkeypatch, size, rank):
    monkeypatch.setitem(launch.os.environ, size, "3")
    monkeypatch.setitem(launch.os.environ, rank, "1")
    monkeypatch.setattr(launcher.check_size, "__defaults__", (launch.os.environ,))
    with pytest.raises(LaunchError) as caught:
        World.start()
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"several ranks need MPI, and {no_mpi}")
    assert 'pip install "cvzmpi[mpi]"' in line


def test_a_batch_script_that_is_no_rank_learns_what_to_unset(no_mpi, monkeypatch):
    monkeypatch.setitem(launch.os.environ, "SLURM_NTASKS", "40")
    monkeypatch.setattr(launcher.check_size, "__defaults__", (launch.os.environ,))
    with pytest.raises(LaunchError, match=r"to run as one rank, unset SLURM_NTASKS$"):
        World.start()


def test_a_world_and_a_team_alone_do_without_mpi(no_mpi):
    assert World.alone().size == Team.alone().size == 1
    team = Team.alone()
    assert list(team.tickets(2, 5)) == [2, 3, 4]
    assert team.any(True)
    with team.shared_array((3,), float) as array:
        assert array.shape == (3,)
    with pytest.raises(ValueError, match="of my own"):
        team.agree(ValueError("of my own"))


# ----------------------------------------------------------------- parallel HDF5


def test_larger_teams_need_a_parallel_h5py(monkeypatch):
    monkeypatch.setattr(h5py, "get_config", lambda: SimpleNamespace(mpi=False))
    check_parallel_hdf5(1, 8)
    with pytest.raises(LaunchError) as caught:
        check_parallel_hdf5(2, 3)
    (line,) = str(caught.value).splitlines()
    assert "ranks_per_team = 2" in line
    assert "parallel HDF5" in line
    monkeypatch.setattr(h5py, "get_config", lambda: SimpleNamespace(mpi=True))
    check_parallel_hdf5(2, 3)


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_ranks_that_cannot_form_a_larger_team_need_no_parallel_h5py(monkeypatch, n_ranks):
    monkeypatch.setattr(h5py, "get_config", lambda: SimpleNamespace(mpi=False))
    check_parallel_hdf5(2, n_ranks)


# ----------------------------------------------------------------- rank 0 first


@pytest.mark.parametrize("kind", ["one", pytest.param("all", marks=mpi)])
def test_what_rank_0_does_first_all_ranks_get(kind):
    world = World(MPI.COMM_WORLD)
    calls = []

    def work():
        calls.append(world.rank)
        return {"from": world.rank}

    assert world.first(work) == {"from": 0}
    assert calls == ([0] if world.rank == 0 else [])


@pytest.mark.parametrize("kind", ["one", pytest.param("all", marks=mpi)])
def test_an_error_for_the_user_all_ranks_raise_as_it_is(kind):
    world = World(MPI.COMM_WORLD)

    def work():
        raise ConfigError("my.toml: no such configuration file")

    with pytest.raises(ConfigError, match=r"^my.toml: no such configuration file$"):
        world.first(work)
    assert world.first(lambda: 3) == 3


# ----------------------------------------------------------------- teams


class TwoNodes:
    """A communicator of which every other rank pretends to be on a second node."""

    def __init__(self, communicator):
        self._communicator = communicator
        self._name = communicator.Get_rank() % 2

    def __getattr__(self, name):
        return getattr(self._communicator, name)

    def Split(self, color, key):  # noqa: N802
        part = self._communicator.Split(color, key)
        return part if part == MPI.COMM_NULL else TwoNodes(part)

    def Split_type(self, kind, key):  # noqa: N802
        assert kind == MPI.COMM_TYPE_SHARED
        return self._communicator.Split(MPI.COMM_WORLD.Get_rank() % 2, key)


def described(world, ranks_per_team):
    """(team, size, member) of every rank of the world; None of those in no team."""
    team = world.form_team(ranks_per_team)
    mine = None if team is None else (team.name, team.size, team.rank)
    return MPI.COMM_WORLD.allgather(mine)


def expected_teams(workers, ranks_per_team):
    """The same for the workers of one node, by their ranks in the world."""
    teams = [workers[i : i + ranks_per_team] for i in range(0, len(workers), ranks_per_team)]
    return {
        rank: (f"rank {team[0]}", len(team), member)
        for team in teams
        for member, rank in enumerate(team)
    }


def test_a_single_rank_is_a_team_of_its_own():
    team = World(MPI.COMM_SELF).form_team(4)
    assert (team.name, team.size, team.is_leader) == ("rank 0", 1, True)


@mpi
@pytest.mark.parametrize("ranks_per_team", [1, 2, 3, 4, 100])
def test_all_ranks_but_the_first_form_teams_the_last_of_what_is_left(ranks_per_team):
    world = World(MPI.COMM_WORLD)
    teams = expected_teams(range(1, world.size), ranks_per_team)
    assert described(world, ranks_per_team) == [None, *(teams[r] for r in range(1, world.size))]


@mpi
@pytest.mark.parametrize("ranks_per_team", [1, 2, 100])
def test_teams_do_not_cross_nodes(ranks_per_team):
    world = World(TwoNodes(MPI.COMM_WORLD))
    odd, even = range(1, world.size, 2), range(2, world.size, 2)
    teams = expected_teams(odd, ranks_per_team) | expected_teams(even, ranks_per_team)
    assert described(world, ranks_per_team) == [None, *(teams[r] for r in range(1, world.size))]
