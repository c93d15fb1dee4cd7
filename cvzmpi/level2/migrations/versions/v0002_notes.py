"""Notes about programs and inversions, and withdrawals of inversions."""

import sqlalchemy as sa
from alembic import op

from cvzmpi.ledger.db.tables import Utc
from cvzmpi.level2.migrations.versions.v0001_level2 import guard

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the triggers that guard them."""
    op.create_table(
        "level2_notes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("inversion_id", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("written_by", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
    )
    op.create_table(
        "level2_withdrawals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("inversion_id", sa.Text, nullable=False, unique=True),
        sa.Column("program", sa.Text, nullable=False, index=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("withdrawn_by", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
    )
    guard({"level2_notes": "", "level2_withdrawals": "inversion_id = NEW.inversion_id"})
