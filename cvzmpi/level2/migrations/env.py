"""Alembic's entry."""

from cvzmpi.ledger.migrate import run_environment

run_environment()
