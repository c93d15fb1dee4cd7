"""What launchers say about the ranks, and what is not passed on."""

import pytest

from cvzmpi.errors import LaunchError
from cvzmpi.mpi.launcher import check_size, rank_by_launcher, without_launcher


@pytest.mark.parametrize(
    "variable",
    [
        "OMPI_COMM_WORLD_SIZE",
        "MV2_COMM_WORLD_SIZE",
        "MVP_COMM_WORLD_SIZE",
        "PMI_SIZE",
        "JSM_NAMESPACE_SIZE",
        "FLUX_JOB_SIZE",
        "PALS_LOCAL_SIZE",
        "SLURM_STEP_NUM_TASKS",
        "SLURM_NTASKS",
    ],
)
def test_a_world_of_another_size_than_the_launcher_says_is_refused(variable):
    check_size(8, {variable: "8"})
    with pytest.raises(LaunchError) as caught:
        check_size(1, {variable: "8"})
    (line,) = str(caught.value).splitlines()
    assert "MPI sees 1 rank(s)" in line
    assert f"{variable} is 8" in line


@pytest.mark.parametrize("variable", ["PALS_RANKID", "PMIX_RANK"])
def test_a_rank_that_its_world_does_not_have_is_refused_and_the_first_one_says_it(variable):
    check_size(8, {variable: "7"})
    check_size(1, {variable: "0"})
    for rank in (1, 7):
        with pytest.raises(LaunchError) as caught:
            check_size(1, {variable: str(rank)})
        assert f"{variable} is {rank}" in str(caught.value)
        assert caught.value.rank == 1


@pytest.mark.parametrize(
    "variable",
    [
        "OMPI_COMM_WORLD_RANK",
        "MV2_COMM_WORLD_RANK",
        "PMI_RANK",
        "PMIX_RANK",
        "JSM_NAMESPACE_RANK",
        "FLUX_TASK_RANK",
        "PALS_RANKID",
        "SLURM_PROCID",
    ],
)
def test_the_rank_is_known_before_mpi_is_there(variable):
    assert rank_by_launcher({variable: "3"}) == 3
    assert rank_by_launcher({variable: "?"}) == 0
    assert rank_by_launcher({}) == 0


def test_on_a_pals_node_there_may_be_more_ranks_elsewhere():
    check_size(8, {"PALS_LOCAL_SIZE": "4", "PALS_RANKID": "7"})


def test_mpirun_inside_of_an_allocation_counts_for_itself():
    check_size(3, {"OMPI_COMM_WORLD_SIZE": "3", "SLURM_NTASKS": "40"})
    with pytest.raises(LaunchError):
        check_size(40, {"OMPI_COMM_WORLD_SIZE": "3", "SLURM_NTASKS": "40"})


def test_without_a_launcher_every_size_is_right():
    check_size(1, {"PATH": "/bin"})


@pytest.mark.parametrize("variable", ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"])
def test_a_process_of_its_own_is_no_rank_and_keeps_the_rest_of_the_environment(variable):
    kept = {"PATH": "/bin", "OMPI_MCA_btl": "self"}
    found = without_launcher({**kept, variable: "1"})
    assert found == kept
    assert rank_by_launcher(found) == 0
