"""Units and their events, which are never changed or deleted; and who works on what."""

import sqlalchemy as sa
from alembic import op

from cvzmpi.ledger.db.tables import Json, Key, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the triggers that guard and follow them."""
    _make_tables()
    statements = _SQLITE if op.get_context().dialect.name == "sqlite" else _POSTGRESQL
    for statement in statements:
        op.execute(sa.text(statement.replace(":=", r"\:=")))


def _make_tables() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", Key, nullable=False, unique=True),
        sa.Column("program", sa.Text, nullable=False),
        sa.Column("queue_id", sa.Text),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("process", sa.Text, nullable=False),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("ranks", sa.Integer, nullable=False),
        sa.Column("nodes", sa.Integer, nullable=False),
        sa.Column("log", sa.Text),
        sa.Column("started", Utc, nullable=False),
        sa.Column("heartbeat", Utc, nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("steps_per_second", sa.Float),
        sa.Column("ended", Utc),
        sa.Column("outcome", sa.Text),
    )
    op.create_table(
        "units",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("cost", sa.Float, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("facts", Json, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("key", Key, nullable=False, unique=True),
        sa.Column("unit_id", sa.Integer, sa.ForeignKey("units.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id"), nullable=False),
        sa.Column("rank", sa.Integer),
        sa.Column("host", sa.Text),
        sa.Column("charged", sa.Integer),
        sa.Column("progress", sa.Integer),
        sa.Column("message", sa.Text),
        sa.Column("detail", Json),
        sa.UniqueConstraint("unit_id", "number"),
    )
    done = sa.text("to_state = 'done'")
    op.create_index("events_done", "events", ["at"], sqlite_where=done, postgresql_where=done)
    op.create_table(
        "latest",
        sa.Column(
            "unit_id", sa.Integer, sa.ForeignKey("units.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", Utc, nullable=False),
        sa.Column("job_id", sa.Integer, nullable=False),
        sa.Column("charged", sa.Integer, nullable=False),
        sa.Column("progress", sa.Integer, nullable=False),
        sa.Column("begun", sa.Integer, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
    )
    descending = [sa.text(f"{name} DESC") for name in ("begun", "priority", "cost")]
    op.create_index("latest_order", "latest", ["state", *descending, "unit_id"])
    op.create_index("latest_since", "latest", ["state", "since"])
    op.create_table(
        "claims",
        sa.Column(
            "unit_id", sa.Integer, sa.ForeignKey("units.id"), primary_key=True, autoincrement=False
        ),
        sa.Column("job_id", sa.Integer, sa.ForeignKey("jobs.id"), nullable=False, index=True),
    )
    op.create_table(
        "batches",
        sa.Column(
            "job_id", sa.Integer, sa.ForeignKey("jobs.id"), primary_key=True, autoincrement=False
        ),
        sa.Column(
            "unit_id", sa.Integer, sa.ForeignKey("units.id"), primary_key=True, autoincrement=False
        ),
    )


# `latest` follows the events. The last value of `charged` and `progress` stays until another comes.
# The names of the tables are to be filled in.
FOLLOW_EVENT = """
INSERT INTO {latest}
    (unit_id, number, state, since, job_id, charged, progress, begun, priority, cost)
SELECT NEW.unit_id, NEW.number, NEW.to_state, NEW.at, NEW.job_id, coalesce(NEW.charged, 0),
       coalesce(NEW.progress, 0), CASE WHEN NEW.progress > 0 THEN 1 ELSE 0 END, priority, cost
FROM {units} WHERE id = NEW.unit_id
ON CONFLICT (unit_id) DO UPDATE SET
    number = excluded.number, state = excluded.state, since = excluded.since,
    job_id = excluded.job_id,
    charged = coalesce(NEW.charged, latest.charged),
    progress = coalesce(NEW.progress, latest.progress),
    begun = CASE WHEN coalesce(NEW.progress, latest.progress) > 0 THEN 1 ELSE 0 END
WHERE excluded.number > latest.number;
"""

_FOLLOW_UNIT = """
UPDATE latest SET priority = NEW.priority, cost = NEW.cost WHERE unit_id = NEW.id;
"""

# INSERT OR REPLACE deletes the row that is in the way, without a trigger for deletions.
KEEP_REPLACE = (
    "CREATE TRIGGER events_keep_replace BEFORE INSERT ON events WHEN EXISTS ("
    "SELECT 1 FROM events WHERE id = NEW.id OR key = NEW.key "
    "OR (unit_id = NEW.unit_id AND number = NEW.number)) BEGIN "
    "SELECT RAISE(ABORT, 'events are never replaced'); END"
)

_FOLLOW = FOLLOW_EVENT.format(latest="latest", units="units")

_SQLITE = [
    "CREATE TRIGGER events_keep_update BEFORE UPDATE ON events BEGIN "
    "SELECT RAISE(ABORT, 'events are never changed'); END",
    "CREATE TRIGGER events_keep_delete BEFORE DELETE ON events BEGIN "
    "SELECT RAISE(ABORT, 'events are never deleted'); END",
    KEEP_REPLACE,
    "CREATE TRIGGER units_keep_delete BEFORE DELETE ON units BEGIN "
    "SELECT RAISE(ABORT, 'units are never deleted'); END",
    "CREATE TRIGGER units_keep_update BEFORE UPDATE OF id, name, facts ON units BEGIN "
    "SELECT RAISE(ABORT, 'units are never changed, but for cost and priority'); END",
    f"CREATE TRIGGER latest_follows_events AFTER INSERT ON events BEGIN {_FOLLOW} END",
    "CREATE TRIGGER latest_follows_units AFTER UPDATE OF cost, priority ON units BEGIN "
    f"{_FOLLOW_UNIT} END",
]

# The functions that write to `latest` run with the rights of their owner: the service's own role
# needs none there.
_POSTGRESQL = [
    "CREATE FUNCTION ledger_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME; END $$",
    "CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep()",
    "CREATE TRIGGER units_keep BEFORE UPDATE OF id, name, facts OR DELETE OR TRUNCATE ON units "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep()",
    "CREATE FUNCTION ledger_follow_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
    f"SET search_path FROM CURRENT AS $$ BEGIN {_FOLLOW} RETURN NULL; END $$",
    "CREATE TRIGGER latest_follows_events AFTER INSERT ON events "
    "FOR EACH ROW EXECUTE FUNCTION ledger_follow_event()",
    "CREATE FUNCTION ledger_follow_unit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
    f"SET search_path FROM CURRENT AS $$ BEGIN {_FOLLOW_UNIT} RETURN NULL; END $$",
    "CREATE TRIGGER latest_follows_units AFTER UPDATE OF cost, priority ON units "
    "FOR EACH ROW EXECUTE FUNCTION ledger_follow_unit()",
]
