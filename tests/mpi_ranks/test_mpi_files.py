"""MPI's files are where there is room for them."""

import shutil

import pytest

from cvzmpi.errors import LaunchError
from cvzmpi.mpi.mpi_files import directory_of_mpi, find_room_for_mpi

BACKING = "OMPI_MCA_btl_vader_backing_directory"


@pytest.fixture
def roomy(tmp_path):
    if shutil.disk_usage(tmp_path).free < 2e9:
        pytest.skip("not enough room for temporary files")
    return tmp_path


def ranks(n):
    return {"OMPI_COMM_WORLD_LOCAL_SIZE": str(n)}


def test_without_room_in_the_first_directory_the_next_one_is_used(roomy, tmp_path):
    environment = ranks(4)
    gone = tmp_path / "nothing"
    assert find_room_for_mpi(environment, [gone, roomy]) == roomy
    assert environment[BACKING] == str(roomy)
    assert directory_of_mpi(environment) == roomy


def test_what_somebody_chose_stays(roomy, tmp_path):
    environment = ranks(4) | {BACKING: "/somewhere"}
    find_room_for_mpi(environment, [tmp_path / "nothing", roomy])
    assert environment[BACKING] == "/somewhere"


def test_without_room_anywhere_nothing_is_started(roomy):
    many = ranks(10**12)
    with pytest.raises(LaunchError, match=r"1,000,000,000,000 ranks .* --shm-size"):
        find_room_for_mpi(many, [roomy])


def test_a_rank_that_is_alone_on_its_machine_needs_no_room(tmp_path):
    environment = ranks(1)
    find_room_for_mpi(environment, [tmp_path / "nothing"])
    assert environment == ranks(1)
