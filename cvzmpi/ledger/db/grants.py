"""The rights of a service in PostgreSQL: it adds to the ledger, and can do nothing else with it.

The tables belong to whoever made them, who could also take their triggers away. Jobs do not need
that: with a role of their own, history is out of their reach twice over.

A role with these rights may delete the claims of other jobs, as it must for those that are dead,
and may record anything that can happen to a unit. It cannot change or delete what is recorded, and
can make no object in the database that a function or command of the owner could take for another.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger.db.database import Database
from cvzmpi.ledger.db.migrate import LEDGER


@dataclass(frozen=True)
class _Rights:
    """The rights of a role on a table, beside reading it."""

    on_rows: frozenset[str] = frozenset()
    updates: frozenset[str] = field(default_factory=frozenset)


_RIGHTS = {
    "units": _Rights(frozenset({"INSERT"}), frozenset({"cost", "priority"})),
    "events": _Rights(frozenset({"INSERT"})),
    "latest": _Rights(),
    "jobs": _Rights(
        frozenset({"INSERT"}),
        frozenset({"heartbeat", "steps", "steps_per_second", "ended", "outcome"}),
    ),
    "claims": _Rights(frozenset({"INSERT", "DELETE"})),
    "batches": _Rights(frozenset({"INSERT", "DELETE"})),
    LEDGER.version_table: _Rights(),
}
_SEQUENCES = ("units_id_seq", "events_id_seq", "jobs_id_seq")
_NEVER_ON_TABLES = ("UPDATE", "TRUNCATE", "REFERENCES", "TRIGGER")
_POWERS = ("pg_write_all_data", "pg_execute_server_program", "pg_write_server_files")


@dataclass(frozen=True)
class _Place:
    """The place of the ledger's tables, and the owners of it."""

    database: str
    database_owner: str
    schema: str
    schema_owner: str
    owner: str
    user: str


def grant(database: Database, role: str) -> list[str]:
    """Give a role the rights that jobs need, and no others; all of it, or nothing.

    Returns
    -------
    list of str
        What was taken from everyone (PUBLIC), since else the role would have it: as
        `TEMPORARY ON DATABASE campaigns`.

    Raises
    ------
    LedgerError
        If this is SQLite, there is no such role, the tables belong to somebody else, or the role
        has other rights that this user cannot take from it.
    """
    if database.is_sqlite:
        raise LedgerError(f"{database.name}: SQLite has no roles; its triggers guard the events")
    with database.writing() as connection:
        place = _place(connection)
        _check_role(connection, database.name, role, place)
        _check_owner(connection, database.name, place)
        _give(connection, role, place)
        taken = _take_what_makes_objects(connection, database.name, role, place)
        _check_rights(connection, database.name, role, place)
        _check_objects(connection, database.name, role, place)
    return taken


def _place(connection: sa.Connection) -> _Place:
    query = sa.text(
        "SELECT current_database(), pg_get_userbyid(d.datdba), n.nspname, "
        "pg_get_userbyid(n.nspowner), pg_get_userbyid(c.relowner), current_user "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_database d ON d.datname = current_database() "
        "WHERE c.oid = CAST('events' AS regclass)"
    )
    return _Place(*connection.execute(query).one())


def _check_role(connection: sa.Connection, name: str, role: str, place: _Place) -> None:
    """Refuse what is no role, and a role from which nothing can be kept."""
    if role.lower() == "public":  # quoted, too, it is everyone
        raise LedgerError(f"{name}: {role} is everyone, not a role: make one for the jobs")
    # An argument may be any bytes; a name that is no text is no role either.
    is_text = "\0" not in role and role.isprintable()
    known = sa.text("SELECT rolname FROM pg_roles WHERE rolname = :role")
    if not is_text or connection.execute(known, {"role": role}).scalar() is None:
        raise LedgerError(f"{name}: role {_shown(role)} does not exist")
    powers = sa.text(
        "SELECT rolname FROM pg_roles WHERE pg_has_role(:role, oid, 'MEMBER') AND (rolsuper "
        "OR rolcreaterole OR rolname = ANY(:powers)) ORDER BY rolname <> :role, rolname LIMIT 1"
    )
    strong = [place.owner, place.schema_owner, place.database_owner, *_POWERS]
    power = connection.execute(powers, {"role": role, "powers": strong}).scalar()
    if power is not None:
        member = "" if power == role else f"is a member of {_shown(power)}, which "
        raise LedgerError(
            f"{name}: role {_shown(role)} {member}may do more than any grant says (it owns the "
            "tables, their schema or database, makes roles, or is a superuser): give the jobs a "
            "role of their own"
        )


def _check_owner(connection: sa.Connection, name: str, place: _Place) -> None:
    query = sa.text(
        "SELECT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n "
        "ON n.oid = c.relnamespace WHERE nspname = :schema AND relname = ANY(:tables) "
        "AND NOT pg_has_role(relowner, 'USAGE') LIMIT 1"
    )
    tables = [*_RIGHTS, *_SEQUENCES]
    owner = connection.execute(query, {"schema": place.schema, "tables": tables}).scalar()
    if owner is not None:
        raise LedgerError(
            f"{name}: its tables belong to {_shown(owner)}, who alone can grant rights on them; "
            f"this is {_shown(place.user)}"
        )


def _give(connection: sa.Connection, role: str, place: _Place) -> None:
    to = _quoted(role)
    schema = _quoted(place.schema)
    sequences = ", ".join(f"{schema}.{name}" for name in _SEQUENCES)
    statements = [f"GRANT USAGE ON SEQUENCE {sequences} TO {to}"]
    if not _has(connection, "schema", role, place.schema, "USAGE"):
        statements.append(f"GRANT USAGE ON SCHEMA {schema} TO {to}")
    for table, rights in _RIGHTS.items():
        may = ", ".join(["SELECT", *sorted(rights.on_rows)])
        statements.append(f"REVOKE ALL ON {schema}.{table} FROM {to}")
        statements.append(f"GRANT {may} ON {schema}.{table} TO {to}")
        if rights.updates:
            columns = ", ".join(sorted(rights.updates))
            statements.append(f"GRANT UPDATE ({columns}) ON {schema}.{table} TO {to}")
    for statement in statements:
        _execute(connection, statement)


def _take_what_makes_objects(
    connection: sa.Connection, name: str, role: str, place: _Place
) -> list[str]:
    """Keep a role from making objects that commands of the owner could take for others."""
    taken = []
    for kind, where, owner, right in (
        ("database", place.database, place.database_owner, "TEMPORARY"),
        ("database", place.database, place.database_owner, "CREATE"),
        ("schema", place.schema, place.schema_owner, "CREATE"),
    ):
        if not _has(connection, kind, role, where, right):
            continue
        what = f"{right} ON {kind.upper()} {_quoted(where)}"
        may_revoke = sa.text("SELECT pg_has_role(CAST(:owner AS name), 'USAGE')")
        if connection.execute(may_revoke, {"owner": owner}).scalar():
            _execute(connection, f"REVOKE {what} FROM {_quoted(role)}")
            if _has(connection, kind, role, where, right):  # everyone has
                _execute(connection, f"REVOKE {what} FROM PUBLIC")
                taken.append(what)
        if _has(connection, kind, role, where, right):
            raise LedgerError(
                f"{name}: role {_shown(role)} has {what}, by itself, as everyone (PUBLIC) or by "
                f"another role, with which it could do more than add to the ledger; "
                f"{_shown(owner)} can take that away: REVOKE {what} FROM PUBLIC, {_quoted(role)}"
            )
    return taken


def _check_rights(connection: sa.Connection, name: str, role: str, place: _Place) -> None:
    """See that the role has these rights, and no others: PostgreSQL grants less in silence."""
    schema = _quoted(place.schema)
    for table, rights in _RIGHTS.items():
        full = f"{schema}.{table}"
        wanted = {"SELECT", *rights.on_rows}
        for right in ("SELECT", "INSERT", "DELETE", *_NEVER_ON_TABLES):
            has = _has(connection, "table", role, full, right)
            if has != (right in wanted):
                raise LedgerError(_differs(name, role, right, table, has))
        for column, may in _updates(connection, role, full).items():
            if may != (column in rights.updates):
                raise LedgerError(_differs(name, role, f"UPDATE ({column})", table, may))
    for sequence in _SEQUENCES:
        if not _has(connection, "sequence", role, f"{schema}.{sequence}", "USAGE"):
            raise LedgerError(_differs(name, role, "USAGE", sequence, False))


def _check_objects(connection: sa.Connection, name: str, role: str, place: _Place) -> None:
    """Refuse a role that made objects beside the tables, when it still could."""
    query = sa.text(
        "SELECT own.name FROM ("
        "SELECT proname AS name, pronamespace AS schema, proowner AS owner FROM pg_proc UNION ALL "
        "SELECT oprname, oprnamespace, oprowner FROM pg_operator UNION ALL "
        "SELECT relname, relnamespace, relowner FROM pg_class) AS own "
        "JOIN pg_namespace n ON n.oid = own.schema WHERE n.nspname = :schema "
        "AND pg_has_role(CAST(:role AS name), own.owner, 'USAGE') LIMIT 1"
    )
    found = connection.execute(query, {"schema": place.schema, "role": role}).scalar()
    if found is not None:
        raise LedgerError(
            f"{name}: role {_shown(role)} owns {_shown(found)} in schema {_shown(place.schema)}, "
            "where the tables are: remove it first, or give the jobs another role"
        )


def _updates(connection: sa.Connection, role: str, table: str) -> dict[str, bool]:
    """For each column of a table, whether a role may change it."""
    query = sa.text(
        "SELECT attname, has_column_privilege(CAST(:role AS name), CAST(:table AS regclass), "
        "attname, 'UPDATE') FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) "
        "AND attnum > 0 AND NOT attisdropped"
    )
    rows = connection.execute(query, {"role": role, "table": table})
    return dict(map(tuple, rows))


def _differs(name: str, role: str, right: str, table: str, has: bool) -> str:
    if has:
        return (
            f"{name}: role {_shown(role)} has {right} on {table}, as everyone (PUBLIC) or by "
            "another role; take that away first"
        )
    return f"{name}: role {_shown(role)} did not get {right} on {table}"


def _has(connection: sa.Connection, kind: str, role: str, what: str, right: str) -> bool:
    query = sa.text(f"SELECT has_{kind}_privilege(CAST(:role AS name), :what, :right)")
    answer = connection.execute(query, {"role": role, "what": what, "right": right})
    return bool(answer.scalar_one())


def _execute(connection: sa.Connection, statement: str) -> None:
    """Run a statement whose names may have colons and percent signs in them."""
    connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _quoted(name: str) -> str:
    """A name in a statement, whatever is in it (as `psycopg.sql.Identifier` has it)."""
    from psycopg.sql import Identifier

    return Identifier(name).as_string()


def _shown(name: str) -> str:
    """A name in a message, on one line whatever is in it."""
    return f'"{name}"' if name.isprintable() else ascii(name)
