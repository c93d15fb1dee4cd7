"""Versions of datasets, answers to the criteria, reservations, and inversions."""

from collections.abc import Mapping

import sqlalchemy as sa
from alembic import op

from cvzmpi.ledger.db.tables import Json, Utc

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SAME_ROW = {
    "level2_dataset_versions": "(dataset_id = NEW.dataset_id AND version = NEW.version)",
    "level2_experiment_versions": "(experiment_id = NEW.experiment_id AND version = NEW.version)",
    "level2_qualifications": "",
    "level2_claims": "",
    "level2_inversions": "inversion_id = NEW.inversion_id",
}
"""The condition for the same row of each table, beside the same id."""


def upgrade() -> None:
    """Make the tables, and the triggers that guard them."""
    op.create_table(
        "level2_dataset_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("dataset_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("seen", Utc, nullable=False),
        sa.Column("row", Json, nullable=False),
        sa.UniqueConstraint("dataset_id", "version"),
    )
    op.create_table(
        "level2_experiment_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("experiment_id", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("seen", Utc, nullable=False),
        sa.UniqueConstraint("experiment_id", "version"),
    )
    op.create_table(
        "level2_qualifications",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("invertible", sa.Boolean, nullable=False),
        sa.Column("failed", Json, nullable=False),
        sa.Column("thresholds", Json, nullable=False),
        sa.Column("versions", Json, nullable=False),
        sa.Column("at", Utc, nullable=False),
    )
    op.create_table(
        "level2_claims",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("claimed_by", sa.Text),
        sa.Column("at", Utc, nullable=False),
    )
    op.create_table(
        "level2_inversions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inversion_id", sa.Text, nullable=False, unique=True),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("at", Utc, nullable=False),
    )
    guard(_SAME_ROW)


def guard(same_row: Mapping[str, str]) -> None:
    """Add the triggers that keep every row of some tables as it is.

    Parameters
    ----------
    same_row : mapping
        By table, the condition for the same row, beside the same id; "" if there is no other.
    """
    sqlite = op.get_context().dialect.name == "sqlite"
    for table, condition in same_row.items():
        statements = _guard_sqlite(table, condition) if sqlite else _guard_postgresql(table)
        for statement in statements:
            op.execute(sa.text(statement))


def _guard_sqlite(table: str, same_row: str) -> list[str]:
    same = " OR ".join(filter(None, ["id = NEW.id", same_row]))
    return [
        f"CREATE TRIGGER {table}_keep_update BEFORE UPDATE ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} are never changed'); END",
        f"CREATE TRIGGER {table}_keep_delete BEFORE DELETE ON {table} BEGIN "
        f"SELECT RAISE(ABORT, '{table} are never deleted'); END",
        # INSERT OR REPLACE deletes the row that is in the way, without a trigger for deletions.
        f"CREATE TRIGGER {table}_keep_replace BEFORE INSERT ON {table} "
        f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
        f"SELECT RAISE(ABORT, '{table} are never replaced'); END",
    ]


def _guard_postgresql(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep()"
    ]
