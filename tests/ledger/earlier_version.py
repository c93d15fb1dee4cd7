"""Ledgers as earlier versions of cvzmpi made them."""

from contextlib import contextmanager

from alembic import command
from alembic.config import Config

from cvzmpi.ledger import Ledger
from cvzmpi.ledger.db.database import Database


@contextmanager
def earlier_ledger(location, version):
    """An empty ledger of an earlier version, open as if that were today's."""
    database = Database(location)
    config = Config()
    config.set_main_option("script_location", "cvzmpi.ledger.db:migrations")
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        config.attributes["connection"] = connection
        config.attributes["version_table"] = "ledger_version"
        command.upgrade(config, version)
    with Ledger(database) as ledger:
        yield ledger
