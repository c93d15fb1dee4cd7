"""The migrations make the tables that the code knows, whoever comes first."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Ledger, NewUnit
from cvzmpi.ledger.db.migrate import LEDGER, Migrations
from cvzmpi.ledger.db.tables import metadata


def test_the_migrations_make_what_the_code_knows(ledger):
    def is_compared(thing, name, kind, *_):
        # Alembic cannot read from SQLite in which direction an index goes
        return not (kind == "index" and name == "latest_order" and ledger.database.is_sqlite)

    options = {
        "version_table": LEDGER.version_table,
        "compare_type": True,
        "include_object": is_compared,
    }
    with ledger.database.reading() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_the_head_is_the_newest_migration():
    config = Config()
    config.set_main_option("script_location", "cvzmpi.ledger.db:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == LEDGER.head


def test_several_that_come_first_at_the_same_time_make_one_ledger(location):
    def open_and_add(number):
        with Ledger.open(location) as ledger, ledger.job("test") as job:
            return ledger.add_units([NewUnit(f"u{number % 4}")], job)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(open_and_add, range(8))) == 4


def test_a_ledger_of_a_newer_version_is_refused(location):
    with Ledger.open(location) as ledger, ledger.writing() as connection:
        connection.execute(sa.text("UPDATE ledger_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="made by a newer cvzmpi"):
        Ledger.open(location)


def test_a_ledger_that_is_there_is_opened_without_alembic(location):
    Ledger.open(location).close()
    code = (
        "import sys\nfrom cvzmpi.ledger import Ledger\n"
        f"Ledger.open({location!r}).close()\nprint('alembic' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout == b"False\n"


def test_a_campaign_keeps_tables_of_its_own_beside(ledger, tmp_path, monkeypatch):
    package = tmp_path / "own_tables"
    (package / "versions").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "env.py").write_text(
        "from cvzmpi.ledger.db.migrate import run_environment\n\nrun_environment()\n"
    )
    (package / "versions" / "v0001_own.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n\n"
        "revision, down_revision = '0001', None\n\n"
        "def upgrade():\n"
        "    unit = sa.Column('unit_id', sa.Integer, sa.ForeignKey('units.id'))\n"
        "    op.create_table('datasets', sa.Column('id', sa.Integer, primary_key=True), unit)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = Migrations("own_tables", "own_version", head="0001")
    own.upgrade(ledger.database)
    own.upgrade(ledger.database)
    with ledger.database.reading() as connection:
        assert sa.inspect(connection).has_table("datasets")
        assert own.version(connection) == own.head
        assert LEDGER.version(connection) == LEDGER.head
