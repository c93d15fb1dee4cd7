"""Level 2 tables of an earlier version are brought up to date, and gone on with."""

import pytest
from alembic import command
from alembic.config import Config

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.remarks import add_note, withdraw
from cvzmpi.level2.tables import LEVEL2
from tests.ledger.way import bring_to


@pytest.fixture
def earlier(ledger):
    """A ledger whose Level 2 tables are of the version 0001."""
    config = Config()
    config.set_main_option("script_location", "cvzmpi.level2:migrations")
    config.set_main_option("path_separator", "os")
    with ledger.database.writing() as connection:
        config.attributes["connection"] = connection
        config.attributes["version_table"] = LEVEL2.version_table
        command.upgrade(config, "0001")
    return ledger


def an_inversion(letter):
    return Inversion(f"inv.AAAAA{letter}", "op", "science team", {"commit": "abc"}, now())


def accept(ledger, job, inversion):
    with ledger.writing() as connection:
        add_inversion(connection, inversion)
        detail = {"step": "inverted", "inversion_id": inversion.inversion_id}
        ledger.record([Event("op", State.DONE, detail=detail)], job, within=connection)


def publish(ledger, job, inversion):
    """As versions did that recorded the id only within the record."""
    detail = {"step": "publish", "record": {"inversionId": inversion.inversion_id}}
    ledger.record([Event("op", State.PUBLISHED, detail=detail)], job)


def test_what_is_there_is_kept_and_gone_on_with(earlier, job):
    bring_to(earlier, job, State.QUALIFIED, "op")
    left, published, further = map(an_inversion, "ABC")
    accept(earlier, job, left)
    earlier.record([Event("op", State.DISCOVERED), Event("op", State.QUALIFIED)], job)
    accept(earlier, job, published)
    publish(earlier, job, published)
    history = earlier.history("op")

    catalogue = Catalogue(earlier)
    with earlier.database.reading() as connection:
        assert LEVEL2.version(connection) == LEVEL2.head == "0002"
    assert earlier.history("op") == history
    assert catalogue.inversions("op") == [left, published]
    assert list(catalogue.published("op")) == [published.inversion_id]
    assert catalogue.to_publish("op") == []

    accept(earlier, job, further)
    assert catalogue.to_publish("op") == [further]
    note = add_note(catalogue, left.inversion_id, "made of the first data", "Jane")
    withdrawal = withdraw(catalogue, job, published.inversion_id, "Jane", "wrong")
    views = catalogue.inversion_views("op")
    assert [view.notes for view in views] == [[note], [], []]
    assert [view.withdrawal for view in views] == [None, withdrawal, None]
    assert [view.to_publish for view in views] == [False, False, True]


def test_the_earlier_tables_are_guarded_still(earlier, job):
    bring_to(earlier, job, State.QUALIFIED, "op")
    accept(earlier, job, an_inversion("A"))
    Catalogue(earlier)
    for statement in ("DELETE FROM level2_inversions", "UPDATE level2_inversions SET method = ''"):
        with pytest.raises(LedgerError, match="never"), earlier.writing() as connection:
            connection.exec_driver_sql(statement)
