"""Bring the tables of a database to the form that this version of cvzmpi knows.

The ledger has its migrations in `cvzmpi.ledger.db.migrations`. A campaign with tables of its own
keeps them beside the ledger's in the same way: a package with an `env.py` (three lines, as the
ledger's) and `versions/`, and a table of its own that says at which version it is:

    LEVEL2 = Migrations("cvzmpi.level2.migrations", "level2_version", head="0001")
    LEVEL2.upgrade(ledger.database)
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import sqlalchemy as sa

from cvzmpi.errors import LedgerError, one_line
from cvzmpi.ledger.db.database import Database
from cvzmpi.ledger.db.location import VERSION


@dataclass(frozen=True)
class Migrations:
    """The migrations of some tables."""

    package: str  # where they are
    version_table: str  # the table in the database that says which was the last one
    head: str  # the newest one, so that Alembic is only imported when there is work for it

    def upgrade(self, database: Database) -> None:
        """Make the tables, or bring them up to date.

        Raises
        ------
        LedgerError
            If a newer version of cvzmpi made them, or this user may not change them.
        """
        with database.reading() as connection:
            version = self.version(connection)
        if version == self.head:
            return
        with database.writing() as connection:
            version = self.version(connection)  # perhaps another job was faster
            if version == self.head:
                return
            if version is not None and version > self.head:
                raise LedgerError(
                    f"{database.name}: made by a newer cvzmpi ({self.version_table} {version}, "
                    f"known here {self.head})"
                )
            if version is not None and (owner := self._foreign_owner(connection)) is not None:
                raise LedgerError(
                    f"{database.name}: made by an earlier cvzmpi ({self.version_table} {version}, "
                    f"expected {self.head}); its owner, {owner}, has to bring it up to date: any "
                    "command does so, as `cvzmpi status`"
                )
            self._run(connection, database.name)

    def version(self, connection: sa.Connection) -> str | None:
        """The version of the tables; None where there are none."""
        if not sa.inspect(connection).has_table(self.version_table):
            return None
        table = sa.table(self.version_table, sa.column("version_num"))
        version: str | None = connection.execute(sa.select(table.c.version_num)).scalar()
        return version

    def _foreign_owner(self, connection: sa.Connection) -> str | None:
        """The owner of the tables, who alone can change them; None where this user can, too."""
        if connection.dialect.name == "sqlite":
            return None
        query = sa.text(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = CAST(:name AS regclass) "
            "AND NOT pg_has_role(relowner, 'USAGE')"
        )
        owner: str | None = connection.execute(query, {"name": self.version_table}).scalar()
        return owner

    def _run(self, connection: sa.Connection, name: str) -> None:
        # 0.1 s, and most jobs find tables that are up to date.
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(files(self.package)).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        config.attributes["version_table"] = self.version_table
        try:
            command.upgrade(config, "head")
        except CommandError as error:  # a version that this one has no way from
            raise LedgerError(f"{name}: {self.version_table}: {one_line(error)}") from error


LEDGER = Migrations("cvzmpi.ledger.db.migrations", "ledger_version", head=VERSION)


def run_environment() -> None:
    """Run the migrations in the transaction that `upgrade` began; called by each `env.py`."""
    from alembic import context

    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"], version_table=attributes["version_table"]
    )
    with context.begin_transaction():
        context.run_migrations()
