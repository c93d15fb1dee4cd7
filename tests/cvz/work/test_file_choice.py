"""Light curves with several files: who is told what, and when."""

import logging
from pathlib import Path

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource, PassedOver
from cvzmpi.cvz.work.inventory import tell_choices
from cvzmpi.ledger import Event, NewUnit, State

OLD, NEW = Path("input/old.fits"), Path("input/new.fits")
SOURCE = LightCurveSource(LightCurveId(7, 1), NEW, (PassedOver(OLD, "an older processing"),))


def told(caplog, known):
    caplog.clear()
    with caplog.at_level(logging.INFO):
        tell_choices([SOURCE], known)
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def unit(ledger, job):
    """A light curve that was found with the older file."""
    ledger.add_units([NewUnit("7_1", facts={"file": str(OLD)})], job)

    def at(*states):
        ledger.record([Event("7_1", state) for state in states], job)
        return ledger.units(names=["7_1"])

    return at


def test_the_others_are_named_on_the_terminal_when_they_are_found_and_later_in_the_log(
    caplog, unit
):
    assert told(caplog, []) == [f"7_1: not used: {OLD}: an older processing"]
    assert told(caplog, unit(State.QUALIFIED, State.PREPROCESSED)) == []
    assert len(caplog.records) == 1


def test_a_light_curve_that_is_done_with_an_older_file_is_kept_and_that_is_said(caplog, unit):
    known = unit(State.QUALIFIED, State.PREPROCESSED, State.WORKING, State.DONE)
    (line,) = told(caplog, known)
    assert line.startswith("1 light curve was begun with files that are not the best any more")
    assert line.endswith(f"7_1, of {OLD}, has {NEW} now")


def test_files_of_other_products_are_one_line_on_the_terminal_and_all_in_the_log(caplog):
    sources = [
        LightCurveSource(LightCurveId(tic, 1), NEW, (), (PassedOver(OLD, "qlp-600"),))
        for tic in (7, 8, 9)
    ]
    with caplog.at_level(logging.INFO):
        tell_choices(sources, [])
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == f"not used: 3 files of other products, all in the log: 7_1: {OLD}: qlp-600; ..."
    assert [f"{tic}_1: not used: {OLD}: qlp-600" in caplog.text for tic in (7, 8, 9)] == [True] * 3
