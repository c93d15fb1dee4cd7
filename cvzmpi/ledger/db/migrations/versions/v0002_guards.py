"""Make the database refuse rows that cvzmpi cannot read, and its functions trust no search path.

Rows that are there already stay as they are.
"""

import sqlalchemy as sa
from alembic import op

from cvzmpi.ledger.db.migrations.versions.v0001_ledger import FOLLOW_EVENT, KEEP_REPLACE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the rules, and in PostgreSQL make the functions of the triggers anew."""
    bind = op.get_bind()
    statements = _sqlite() if bind.dialect.name == "sqlite" else _postgresql(_schema(bind))
    # No parameters: then the driver takes colons and percent signs as they are.
    bind = bind.execution_options(no_parameters=True)
    for statement in statements:
        bind.exec_driver_sql(statement)


_STATES = (
    "'discovered', 'qualified', 'not_qualified', 'preprocessed', 'working', 'done', 'published', "
    "'error'"
)

_LONGEST = 1_000_000
"""The most characters of a text."""

# What must hold in a row, by table and a name for it; `NEW.` stands before each column. A row that
# breaks one of these could not be read by any command, or no event could follow it.
_RULES = {
    "units": {
        "name": "length(NEW.name) BETWEEN 1 AND 1000",
        "cost": "NEW.cost BETWEEN -1e300 AND 1e300",
        "priority": "NEW.priority BETWEEN -1e300 AND 1e300",
    },
    "events": {
        "number": "NEW.number >= 1",
        "to_state": f"NEW.to_state IN ({_STATES})",
        "from_state": f"NEW.from_state IN ({_STATES})",
        "first": "NEW.from_state IS NOT NULL OR NEW.to_state = 'discovered'",
        "error": "NEW.from_state <> 'error' OR NEW.to_state <> 'error'",
        "charged": "NEW.charged BETWEEN 0 AND 1000000000",
        "progress": "NEW.progress >= 0",
        "message": f"length(NEW.message) <= {_LONGEST}",
        "host": f"length(NEW.host) <= {_LONGEST}",
    },
    "latest": {
        "number": "NEW.number >= 1",
        "state": f"NEW.state IN ({_STATES})",
        "charged": "NEW.charged >= 0",
        "progress": "NEW.progress >= 0",
    },
    "jobs": {
        "steps": "NEW.steps >= 0",
        "steps_per_second": "NEW.steps_per_second BETWEEN 0 AND 1e300",
        **{
            word: f"length(NEW.{word}) <= {_LONGEST}"
            for word in ("program", "queue_id", "host", "process", "software", "log", "outcome")
        },
    },
}

_INSTANTS = {
    "events": ("at",),
    "latest": ("since",),
    "jobs": ("started", "heartbeat", "ended"),
}
"""Columns with an instant, between the years 1 and 9999 as Python's `datetime` has them."""

_OBJECTS = {"units": "facts", "events": "detail"}
"""Columns with a JSON object."""

_LARGEST, _DEEPEST = 10_000_000, 50
"""The most bytes and levels of a JSON object. Python reads about a thousand levels."""

# After the largest number no event could come. The first event of a new unit may come after its
# second one, within a transaction.
_LEAVES_A_GAP = (
    "NEW.number > 1 + coalesce((SELECT number FROM {latest} WHERE unit_id = NEW.unit_id), 1)"
)
_GAP = "events: number leaves a gap"

# ----------------------------------------------------------------- SQLite


def _sqlite() -> list[str]:
    """Triggers: SQLite adds no constraint to a table that is there."""
    rules = {table: dict(named) for table, named in _RULES.items()}
    for table, columns in _INSTANTS.items():
        for column in columns:
            rules[table][column] = _sqlite_instant(column)
    for table, column in _OBJECTS.items():
        rules[table][column] = f"json_type(NEW.{column}) = 'object'"
    statements = ["DROP TRIGGER events_keep_replace"]
    for table, named in rules.items():
        checks = [
            f"WHEN NOT ({rule}) THEN RAISE(ABORT, '{table}: {name} is not as it must be')"
            for name, rule in named.items()
        ]
        if table == "events":
            checks.append(
                f"WHEN {_LEAVES_A_GAP.format(latest='latest')} THEN RAISE(ABORT, '{_GAP}')"
            )
        for what in ("INSERT",) if table == "events" else ("INSERT", "UPDATE"):
            statements.append(
                f"CREATE TRIGGER {table}_check_{what.lower()} BEFORE {what} ON {table} BEGIN "
                f"SELECT CASE {' '.join(checks)} END; END"
            )
    # SQLite runs the newest trigger first, and "never replaced" is the clearest reason.
    return [*statements, KEEP_REPLACE]


def _sqlite_instant(column: str) -> str:
    """The text that SQLAlchemy writes for it."""
    digit = "[0-9]"
    day = f"{digit * 4}-{digit * 2}-{digit * 2} {digit * 2}:{digit * 2}:{digit * 2}"
    return (
        f"NEW.{column} IS NULL OR NEW.{column} GLOB '{day}*' "
        f"AND datetime(NEW.{column}) IS NOT NULL "
        f"AND NEW.{column} BETWEEN '0001-01-02' AND '9999-12-31'"
    )


# ----------------------------------------------------------------- PostgreSQL


def _schema(bind: sa.Connection) -> str:
    """The schema of the ledger's tables."""
    query = (
        "SELECT nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n "
        "ON n.oid = c.relnamespace WHERE c.oid = 'events'::pg_catalog.regclass"
    )
    return str(bind.exec_driver_sql(query).scalar_one())


def _postgresql(schema: str) -> list[str]:
    quoted = '"' + schema.replace('"', '""') + '"'
    tables = {name: f"{quoted}.{name}" for name in ("units", "latest")}
    follow_event = (
        f"IF {_LEAVES_A_GAP.format(**tables)} THEN "
        f"RAISE EXCEPTION '{_GAP}' USING ERRCODE = 'check_violation'; END IF; "
        f"{FOLLOW_EVENT.format(**tables)} RETURN NULL;"
    )
    follow_unit = (
        f"UPDATE {tables['latest']} SET priority = NEW.priority, cost = NEW.cost "
        "WHERE unit_id = NEW.id; RETURN NULL;"
    )
    keep = "RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME;"
    return [
        *_constraints(quoted),
        _function(f"{quoted}.ledger_keep", keep, ""),
        _function(f"{quoted}.ledger_follow_event", follow_event, "SECURITY DEFINER"),
        _function(f"{quoted}.ledger_follow_unit", follow_unit, "SECURITY DEFINER"),
        *(
            f"REVOKE ALL ON FUNCTION {quoted}.{name}() FROM PUBLIC"
            for name in ("ledger_follow_event", "ledger_follow_unit")
        ),
    ]


def _function(name: str, body: str, rights: str) -> str:
    """A function of a trigger, which finds nothing but what its own text names.

    Where a search path does not name `pg_temp`, it comes before all others: whoever may make
    temporary tables could have a function with the rights of its owner use his.
    """
    text = f"BEGIN {body} END".replace("'", "''")
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {rights} "
        f"SET search_path = pg_catalog, pg_temp AS '{text}'"
    )


def _constraints(schema: str) -> list[str]:
    """Not valid: that is, rows that are there are not looked at."""
    rules = {table: dict(named) for table, named in _RULES.items()}
    for table, columns in _INSTANTS.items():
        for column in columns:
            rules[table][column] = (
                f"NEW.{column} BETWEEN '0001-01-02 00:00+00' AND '9999-12-31 00:00+00'"
            )
    for table, column in _OBJECTS.items():
        rules[table][column] = (
            f"jsonb_typeof(NEW.{column}) = 'object' "
            f"AND pg_column_size(NEW.{column}) <= {_LARGEST} "
            f"AND NOT jsonb_path_exists(NEW.{column}, '$.**{{{_DEEPEST}}}') "
            # Python refuses to read whole numbers of thousands of digits
            f"AND NOT jsonb_path_exists(NEW.{column}, '$.** ? (@ > 1e300 || @ < -1e300)')"
        )
    return [
        f"ALTER TABLE {schema}.{table} ADD CONSTRAINT {table}_check_{name} "
        f"CHECK ({rule.replace('NEW.', '')}) NOT VALID"
        for table, named in rules.items()
        for name, rule in named.items()
    ]
