"""The tables of Level 2, beside those of the ledger; `migrations` makes them, with their triggers.

Rows are added, and never changed: the newest row of a dataset or of a program is the valid one.
"""

import sqlalchemy as sa

from cvzmpi.ledger.db.migrate import Migrations
from cvzmpi.ledger.db.tables import Json, Utc

metadata = sa.MetaData()

dataset_versions = sa.Table(
    "level2_dataset_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("dataset_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("seen", Utc, nullable=False),
    sa.Column("row", Json, nullable=False),
    sa.UniqueConstraint("dataset_id", "version"),
)

experiment_versions = sa.Table(
    "level2_experiment_versions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("experiment_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("seen", Utc, nullable=False),
    sa.UniqueConstraint("experiment_id", "version"),
)

qualifications = sa.Table(
    "level2_qualifications",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("invertible", sa.Boolean, nullable=False),
    sa.Column("failed", Json, nullable=False),
    sa.Column("thresholds", Json, nullable=False),
    sa.Column("versions", Json, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

reservations = sa.Table(
    "level2_claims",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("claimed_by", sa.Text),
    sa.Column("at", Utc, nullable=False),
)

inversions = sa.Table(
    "level2_inversions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("inversion_id", sa.Text, nullable=False, unique=True),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("detail", Json, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

notes = sa.Table(
    "level2_notes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("inversion_id", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("written_by", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

withdrawals = sa.Table(
    "level2_withdrawals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("inversion_id", sa.Text, nullable=False, unique=True),
    sa.Column("program", sa.Text, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("withdrawn_by", sa.Text, nullable=False),
    sa.Column("at", Utc, nullable=False),
)

LEVEL2 = Migrations("cvzmpi.level2.migrations", "level2_version", head="0002")
