"""Memory that ranks share is taken before it is used, wherever there is some."""

import errno
import os
import resource
import tempfile

import numpy as np
import pytest
from mpi4py import MPI

from cvzmpi.mpi.mpi_files import FILE_PREFIX
from cvzmpi.mpi.shared_memory import SharedMemoryError, share_memory
from cvzmpi.mpi.team import Team
from tests.mpi_marks import mpi


@pytest.fixture
def file_limit():
    """Lets no file of this process become larger than a megabyte, anonymous ones included."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(memory):
    """Each rank writes its number, and all read all."""
    world = MPI.COMM_WORLD
    array = np.frombuffer(memory, np.int64)
    assert not array.any()
    world.Barrier()
    array[world.rank :: world.size] = world.rank + 1
    world.Barrier()
    assert array.tolist() == [i % world.size + 1 for i in range(len(array))]


def left_behind():
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith(FILE_PREFIX)]


@pytest.mark.parametrize("kind", ["alone", pytest.param("all", marks=mpi)])
def test_all_ranks_see_the_same_memory(kind):
    fill(share_memory(MPI.COMM_WORLD, 8000))


@pytest.mark.parametrize("kind", ["alone", pytest.param("all", marks=mpi)])
def test_where_the_system_has_no_anonymous_memory_a_file_does_and_leaves_nothing(monkeypatch, kind):
    def refuse(name, flags):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "memfd_create", refuse)
    memory = share_memory(MPI.COMM_WORLD, 8000)
    assert left_behind() == []
    fill(memory)


@pytest.mark.parametrize("kind", ["alone", pytest.param("all", marks=mpi)])
def test_what_is_not_there_is_an_error_on_all_ranks_and_kills_none(file_limit, kind):
    with pytest.raises(SharedMemoryError, match=r"no 80 MB of memory .* --shm-size") as caught:
        share_memory(MPI.COMM_WORLD, 80_000_000)
    assert "\n" not in str(caught.value)
    assert left_behind() == []
    fill(share_memory(MPI.COMM_WORLD, 8000))


@mpi
def test_a_team_without_memory_agrees(file_limit):
    team = Team(MPI.COMM_WORLD.Dup())
    with (
        pytest.raises(SharedMemoryError) as caught,
        team.shared_array((10_000_000,), np.float64),
    ):
        pytest.fail("there is no memory to work with")
    assert caught.value.known_to_all
    with team.shared_array((1000,), np.float64) as array:
        assert array.shape == (1000,)
