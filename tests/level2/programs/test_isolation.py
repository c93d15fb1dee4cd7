"""An error of a step becomes one line, and its traceback goes to the log."""

import errno
import logging

import pytest

from cvzmpi.errors import (
    ConfigError,
    Level1Error,
    MachineError,
    MapFileError,
    MissingPackageError,
    UnavailableError,
)
from cvzmpi.ledger import State
from cvzmpi.level2.programs import qualify as module
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.isolation import (
    StepFailedError,
    is_about_program,
    one_line_failure,
    program_failure,
)
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.retry import retry
from tests.level2.invertible_programs import NOW, make_invertible

LOGGER = logging.getLogger("cvzmpi.tests")


def test_an_unforeseen_error_is_one_line_and_its_traceback_is_in_the_log(caplog):
    try:
        {}["V"]
    except KeyError as error:
        failure = one_line_failure(error, "preprocess of A", LOGGER)
    assert isinstance(failure, StepFailedError)
    text = str(failure)
    assert text.startswith("preprocess of A: KeyError: 'V' [test_isolation.py:")
    assert "\n" not in text
    assert is_about_program(failure)
    (record,) = caplog.records
    assert record.exc_info[0] is KeyError


def test_an_error_for_users_is_passed_on_as_it_is(caplog):
    error = Level1Error("a.fits: cut off")
    assert one_line_failure(error, "preprocess of A", LOGGER) is error
    assert is_about_program(error)
    assert not caplog.records


def test_a_full_disk_is_the_machines_fault_whoever_meets_it():
    full = OSError(errno.ENOSPC, "No space left on device")
    told = MapFileError("a.h5: cannot be written: No space left on device")
    told.__cause__ = full
    for error in (full, told):
        failure = one_line_failure(error, "preprocess of A", LOGGER)
        assert isinstance(failure, MachineError)
        assert "No space left on device" in str(failure)
        assert not is_about_program(failure)


@pytest.mark.parametrize("kind", [ConfigError, MissingPackageError, MachineError, UnavailableError])
def test_what_all_programs_would_meet_is_about_none_of_them(kind):
    error = kind("as it is")
    assert one_line_failure(error, "preprocess of A", LOGGER) is error
    assert not is_about_program(error)


@pytest.mark.parametrize("error", [UnavailableError("away"), OSError(errno.ENOSPC, "full")])
def test_what_is_about_no_program_is_raised_and_never_from_itself(error):
    with pytest.raises((UnavailableError, MachineError)) as raised:
        program_failure(error, "preprocess of A", LOGGER)
    assert raised.value.__cause__ is not raised.value


def test_an_error_that_was_raised_again_from_itself_has_an_end():
    error = Level1Error("a.fits: cut off")
    for _ in range(2):
        failure = one_line_failure(error, "preprocess of A", LOGGER)
        with pytest.raises(Level1Error):
            raise failure from error
    assert error.__cause__ is error
    assert is_about_program(one_line_failure(error, "preprocess of A", LOGGER))


def test_a_program_that_cannot_be_evaluated_costs_no_other(catalogue, job, monkeypatch):
    evaluate = module.evaluate

    def failing(program, thresholds):
        if program.name == "second":
            raise ZeroDivisionError("division by zero")
        return evaluate(program, thresholds)

    monkeypatch.setattr(module, "evaluate", failing)
    make_invertible(catalogue, job, "first", "second", "third")
    states = catalogue.states()
    assert states == {
        "first": State.QUALIFIED,
        "second": State.ERROR,
        "third": State.QUALIFIED,
    }
    message = catalogue.ledger.history("second")[-1].message
    assert message.startswith("qualify: second: ZeroDivisionError: division by zero [")
    monkeypatch.undo()
    assert retry(catalogue, job, "second") is State.DISCOVERED
    report = qualify(catalogue, job, Thresholds(), 7, NOW)
    assert (report.invertible, report.failed) == (["second"], [])
