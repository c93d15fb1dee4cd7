"""The log of a job says what happened when, and which rank it was."""

import logging

import pytest

from cvzmpi.errors import ConfigError
from cvzmpi.runtime.job_log import begin_log, current_log, failures_logged


def test_a_line_names_the_rank_that_it_is_about(tmp_path):
    path = begin_log(tmp_path / "logs", "INFO", "812+1")
    assert path.name.endswith("Z-812+1.log")
    log = logging.getLogger("cvzmpi.something")
    log.info("%d units", 3)
    log.warning("a note", extra={"who": "rank 3 on n042"})
    log.debug("not this")
    first, second = path.read_text().splitlines()
    assert first.endswith(" INFO    [rank 0] 3 units")
    assert second.endswith(" WARNING [rank 3 on n042] a note")


def test_warnings_are_shown_at_once_but_what_the_display_says_is_not_said_twice(tmp_path, capsys):
    begin_log(tmp_path, "INFO", None)
    logging.getLogger("cvzmpi.cvz.archive.scratch.stager").warning("the archive counts as down")
    logging.getLogger("cvzmpi.runtime.ledger_source").error("1_1 failed: no flux")
    logging.getLogger("cvzmpi").info("now")
    assert capsys.readouterr().err == "the archive counts as down\n"


def test_each_start_has_a_file_of_its_own(tmp_path):
    first = begin_log(tmp_path, "INFO", "1")
    second = begin_log(tmp_path, "INFO", "2")
    logging.getLogger("cvzmpi").info("now")
    assert first.read_text() == ""
    assert "now" in second.read_text()


@pytest.fixture(scope="module")
def log_of_another_job(tmp_path_factory):
    return begin_log(tmp_path_factory.mktemp("another") / "logs", "INFO", None)


def test_what_a_fixture_of_many_tests_began_is_not_the_log_of_a_test(log_of_another_job):
    assert log_of_another_job.is_file()
    assert current_log() is None


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(ConfigError, match=r"logs/.*\.log: cannot be written: "):
        begin_log(tmp_path / "logs", "INFO", None)


def test_a_command_has_a_log_only_if_something_failed(tmp_path, capsys):
    log, before = logging.getLogger("cvzmpi.something"), current_log()
    with failures_logged(tmp_path / "logs"):
        log.warning("shown at once")
    assert capsys.readouterr().err == "shown at once\n"
    assert not (tmp_path / "logs").exists()
    with failures_logged(tmp_path / "logs"):
        path = current_log()
        try:
            raise KeyError("postgresql://me:secret@host/db")
        except KeyError:
            log.exception("a unit failed")
    assert capsys.readouterr().err == ""
    (written,) = (tmp_path / "logs").iterdir()
    assert written == path
    assert "Traceback (most recent call last)" in written.read_text()
    assert "secret" not in written.read_text()
    assert current_log() == before


def test_what_the_log_cannot_take_is_shown(tmp_path, capsys):
    (tmp_path / "logs").write_text("a file")
    with failures_logged(tmp_path / "logs"):
        logging.getLogger("cvzmpi.something").error("a unit failed")
    assert capsys.readouterr().err.endswith("[rank 0] a unit failed\n")
