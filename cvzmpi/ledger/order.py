"""The order of work: half-done units first, then by priority, then the longest.

Whoever needs the order of work takes it from here. The index `latest_order` of the database has it,
so that the next units are found without sorting. Of equal units the one that was found first comes
first.
"""

from __future__ import annotations

ORDER_BY = "latest.begun DESC, latest.priority DESC, latest.cost DESC, latest.unit_id"
"""The order in SQL, over the rows of `latest`."""

IN_WORDS = "half-done, then by priority, then the longest"


def place_in_order(
    begun: int, priority: float, cost: float, unit_id: int = 0
) -> tuple[float, float, float, int]:
    """The same order as a key for `sorted`, of the columns that `ORDER_BY` names.

    Units that are sorted by number already need none.
    """
    return -begun, -priority, -cost, unit_id
