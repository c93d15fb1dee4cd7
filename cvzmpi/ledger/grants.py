"""The rights of a service in PostgreSQL: it adds to the ledger, and can do nothing else with it.

The tables belong to whoever made them, who could also take their triggers away. Jobs do not need
that: with a role of their own, history is out of their reach twice over.
"""

from __future__ import annotations

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.database import Database
from cvzmpi.ledger.tables import metadata

_RIGHTS = (
    "REVOKE ALL ON {tables} FROM {role}",
    "GRANT SELECT ON {tables}, ledger_version TO {role}",
    "GRANT INSERT ON units, events, jobs, claims, batches TO {role}",
    "GRANT UPDATE (cost, priority) ON units TO {role}",
    "GRANT UPDATE (heartbeat, steps, steps_per_second, ended, outcome) ON jobs TO {role}",
    "GRANT DELETE ON claims, batches TO {role}",
    "GRANT USAGE ON SEQUENCE units_id_seq, events_id_seq, jobs_id_seq TO {role}",
)


def grant(database: Database, role: str) -> None:
    """Give a role the rights that jobs need, and no others on the tables of the ledger.

    Raises
    ------
    LedgerError
        If this is SQLite, there is no such role, or the tables belong to somebody else.
    """
    if database.is_sqlite:
        raise LedgerError(f"{database.name}: SQLite has no roles; its triggers guard the events")
    tables = ", ".join(metadata.tables)
    with database.writing() as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(role)
        for right in _RIGHTS:
            connection.execute(sa.text(right.format(tables=tables, role=quoted)))
