"""The ledger: what happened to each unit of a campaign, in SQLite or PostgreSQL.

It knows no stars and no MPI. Units go through the states of `states`; each change is an event with
its time, its job and its reason. The database itself refuses to change or delete events.

    with Ledger.open("ledger.sqlite") as ledger, ledger.job("scan") as job:
        ledger.add_units([NewUnit("25155310_1", facts={"tmag": 10.2})], job)
        ledger.record([Event("25155310_1", State.QUALIFIED, detail={"n_sectors": 26})], job)
        ledger.units(states=[State.QUALIFIED])
        ledger.history("25155310_1")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cvzmpi.ledger.records import Event, Job, LedgerUnit, NewUnit, Recorded
from cvzmpi.ledger.states import State

if TYPE_CHECKING:
    from cvzmpi.ledger.ledger import Ledger

__all__ = ["Event", "Job", "Ledger", "LedgerUnit", "NewUnit", "Recorded", "State"]


def __getattr__(name: str) -> Any:
    """Import `Ledger` when it is asked for: with SQLAlchemy, which `status` does without."""
    if name == "Ledger":
        from cvzmpi.ledger.ledger import Ledger

        return Ledger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
