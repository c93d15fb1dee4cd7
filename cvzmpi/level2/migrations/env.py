"""Alembic's entry."""

from cvzmpi.ledger.db.migrate import run_environment

run_environment()
