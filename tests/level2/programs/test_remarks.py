"""Notes about programs and inversions, and withdrawals: to both is only ever added."""

import pytest
import sqlalchemy as sa

from cvzmpi.errors import LedgerError
from cvzmpi.ledger import Event, State
from cvzmpi.ledger.records import now
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.remarks import RemarkError, add_note, withdraw
from tests.level2.invertible_programs import make_invertible

ID = "inv.ABC123"


@pytest.fixture
def catalogue(catalogue, job):
    """One with an inverted program."""
    make_invertible(catalogue, job, "op")
    with catalogue.ledger.writing() as connection:
        add_inversion(connection, Inversion(ID, "op", "science team", {"commit": "abc"}, now()))
        done = Event("op", State.DONE, detail={"inversion_id": ID})
        catalogue.ledger.record([done], job, within=connection)
    return catalogue


def test_notes_are_about_an_inversion_or_about_a_program(catalogue):
    first = add_note(catalogue, ID, "The azimuth\n is  doubtful", "Jane")
    second = add_note(catalogue, "op", "clouds from 18:20 on", " Joe  Doe ")
    third = add_note(catalogue, ID, "it is not", "Joe")
    assert (first.program, first.inversion_id) == ("op", ID)
    assert first.text == "The azimuth is doubtful"
    assert (second.inversion_id, second.written_by) == (None, "Joe Doe")
    assert catalogue.notes(ID) == [first, third]
    assert catalogue.notes("op") == [second]
    (view,) = catalogue.inversion_views("op")
    assert view.notes == [first, third]
    assert catalogue.states()["op"] is State.DONE


def test_a_withdrawal_says_who_and_why(catalogue, job):
    assert catalogue.withdrawal(ID) is None
    withdrawal = withdraw(catalogue, job, ID, "Jane", "wrong line list")
    assert catalogue.withdrawal(ID) == withdrawal
    assert (withdrawal.program, withdrawal.reason) == ("op", "wrong line list")
    assert withdrawal.withdrawn_by == "Jane"
    event = catalogue.ledger.history("op")[-1]
    assert event.message == f"{ID} withdrawn by Jane: wrong line list"
    assert (event.from_state, event.to_state) == (State.DONE, State.DONE)
    assert catalogue.inversion(ID) is not None


BAD_TEXTS = ["", " \n", "x" * 2001, "y" * 10**6, "a\0b", "\ud800", "bell\a", "\u202etxt"]
BAD_NAMES = ["", " ", "x" * 101, "a\0b", "\ud800"]
NO_IDS = ["", "inv.XXXXXX", "nothing", "a\0b", "\ud800", "x" * 10**5, "'; DROP TABLE units; --"]


@pytest.mark.parametrize(
    ("about", "text", "by"),
    [(ID, text, "Jane") for text in BAD_TEXTS]
    + [(ID, "text", name) for name in BAD_NAMES]
    + [(name, "text", "Jane") for name in NO_IDS],
)
def test_a_remark_that_cannot_be_is_one_line(catalogue, job, about, text, by):
    with pytest.raises(RemarkError) as noted:
        add_note(catalogue, about, text, by)
    with pytest.raises(RemarkError) as withdrawn:
        withdraw(catalogue, job, about, by, text)
    for error in (noted, withdrawn):
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 1200
    assert catalogue.notes(ID) == []
    assert catalogue.withdrawal(ID) is None
    assert len(catalogue.ledger.history("op")) == 3


def test_a_text_of_2000_characters_is_kept_whole(catalogue):
    assert add_note(catalogue, ID, "x" * 2000, "Jane") in catalogue.notes(ID)


@pytest.mark.parametrize("table", ["level2_notes", "level2_withdrawals"])
def test_the_database_refuses_to_change_or_delete_a_remark(catalogue, job, table):
    add_note(catalogue, ID, "text", "Jane")
    withdraw(catalogue, job, ID, "Jane", "reason")
    before = catalogue.inversion_views()
    for statement in (f"UPDATE {table} SET program = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(LedgerError, match="never"), catalogue.ledger.writing() as connection:
            connection.execute(sa.text(statement))
    assert catalogue.inversion_views() == before


def test_the_database_refuses_a_second_withdrawal(catalogue, job):
    withdraw(catalogue, job, ID, "Jane", "reason")
    again = "INSERT {} INTO level2_withdrawals (inversion_id, program, reason, withdrawn_by, at) "
    again += f"VALUES ('{ID}', 'op', 'another', 'Joe', '2026-01-01 00:00:00.000000')"
    ways = ["", "OR REPLACE"] if catalogue.ledger.database.is_sqlite else [""]
    for way in ways:
        with pytest.raises(LedgerError), catalogue.ledger.writing() as connection:
            connection.execute(sa.text(again.format(way)))
    assert catalogue.withdrawal(ID).withdrawn_by == "Jane"
