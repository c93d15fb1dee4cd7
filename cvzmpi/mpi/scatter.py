"""Short work on the items of a list, spread over all ranks, without teams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from cvzmpi.errors import CvzmpiError
from cvzmpi.mpi.launch import World

T = TypeVar("T")
R = TypeVar("R")


def scatter(world: World, items: Sequence[T], work: Callable[[T], R]) -> list[R]:
    """Apply `work` to each item on one of the ranks: collective.

    Every rank takes each size-th item, so the items should be about alike.

    Parameters
    ----------
    items : sequence
        The same on all ranks.
    work : callable
        Its results must be small: they go to rank 0.

    Returns
    -------
    list
        The results in the order of the items on rank 0; empty on the others.

    Raises
    ------
    CvzmpiError
        The first one that `work` raised, on all ranks; the other ranks have finished their items.
    """
    results: list[R] = []
    error: CvzmpiError | None = None
    try:
        results = [work(item) for item in items[world.rank :: world.size]]
    except CvzmpiError as caught:
        error = caught
    errors = [e for e in world.communicator.allgather(error) if e is not None]
    if errors:
        raise errors[0]
    gathered = world.communicator.gather(results)
    if gathered is None:
        return []
    return [gathered[i % world.size][i // world.size] for i in range(len(items))]
