"""The database of the ledger: answers, is not there yet, is another, or is out of reach."""

import socket
import sqlite3
from contextlib import closing

import pytest

from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.checkup.ledger import check_ledger
from cvzmpi.cvz.configuration import Config, OutputConfig
from cvzmpi.ledger import Ledger
from cvzmpi.ledger.db.location import VERSION
from cvzmpi.runtime.job_config import LedgerConfig


@pytest.fixture
def config(location):
    """A campaign whose ledger can be made at `location`."""
    return Config(
        ledger=LedgerConfig(url=location if "://" in location else f"sqlite:///{location}")
    )


def test_a_ledger_that_is_not_there_yet_is_not_made(config, location):
    for _ in range(2):
        finding = check_ledger(config)
        assert finding.level is Level.OK
        assert "which the first job makes" in finding.says


def test_a_ledger_that_answers(config, location):
    Ledger.open(location).close()
    finding = check_ledger(config)
    assert finding.level is Level.OK
    assert finding.says.endswith(": answers")


def test_a_ledger_of_another_version_is_left_as_it_is(config, location):
    with Ledger.open(location) as ledger, ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE ledger_version SET version_num = '0001'")
    for _ in range(2):
        finding = check_ledger(config)
        assert finding.level is Level.NOTE
        assert f"version 0001, which the next job brings to {VERSION}" in finding.says


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "ledger.sqlite").write_text("no database, however long it is " * 40)
    finding = check_ledger(Config(output=OutputConfig(directory=tmp_path)))
    assert finding.level is Level.PROBLEM
    assert "not a database" in finding.says


def test_a_file_that_another_program_has_locked(tmp_path, monkeypatch):
    monkeypatch.setattr("cvzmpi.ledger.status.snapshot.BUSY_SECONDS", 0.1)
    Ledger.open(tmp_path / "ledger.sqlite").close()
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as other:
        other.execute("BEGIN EXCLUSIVE")
        finding = check_ledger(Config(output=OutputConfig(directory=tmp_path)))
    assert finding.level is Level.PROBLEM
    assert "locked" in finding.says
    assert finding.remedy == "see who has it open"


def test_a_database_that_does_not_answer_and_its_password_is_not_shown():
    with socket.socket() as bound:  # nobody listens
        bound.bind(("127.0.0.1", 0))
        url = f"postgresql://astro:S3cretWord@127.0.0.1:{bound.getsockname()[1]}/flares"
        finding = check_ledger(Config(ledger=LedgerConfig(url=url)))
    assert finding.level is Level.PROBLEM
    assert "refused" in finding.says
    assert "S3cretWord" not in str(finding)
