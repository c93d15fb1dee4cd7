"""Work on a list that all ranks share: each item once, results in order, errors everywhere."""

import pytest
from mpi4py import MPI

from cvzmpi.errors import SectorFileError
from cvzmpi.mpi.launch import World
from tests.mpi_marks import one_or_all


@one_or_all
@pytest.mark.parametrize("n_items", [0, 1, 2, 17])
def test_each_item_is_worked_on_once_and_the_results_are_in_order(kind, n_items):
    world = World(MPI.COMM_WORLD)
    mine = []
    results = world.scatter(range(n_items), lambda item: mine.append(item) or 10 * item)
    assert results == ([10 * item for item in range(n_items)] if world.rank == 0 else [])
    everyone = [item for items in world.communicator.allgather(mine) for item in items]
    assert sorted(everyone) == list(range(n_items))


@one_or_all
def test_an_error_is_raised_on_all_ranks(kind):
    def work(item):
        if item == 1:
            raise SectorFileError("1.h5: broken")
        return item

    with pytest.raises(SectorFileError, match=r"1\.h5: broken"):
        World(MPI.COMM_WORLD).scatter(range(5), work)


@one_or_all
def test_the_first_rank_is_told_before_each_of_its_items_how_many_are_done(kind):
    world = World(MPI.COMM_WORLD)
    shown = []
    world.scatter(range(7), str, lambda done, total: shown.append((done, total)))
    assert shown == ([(n, 7) for n in range(0, 7, world.size)] if world.rank == 0 else [])
