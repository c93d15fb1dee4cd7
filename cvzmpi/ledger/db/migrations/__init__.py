"""The migrations of the ledger's tables."""

HEAD = "0002"
"""The newest one. Said here, too, so that Alembic is only imported when there is work for it."""
