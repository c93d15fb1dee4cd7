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
from cvzmpi.level2.programs.isolation import StepFailedError, is_about_program, one_line_failure

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


def test_an_error_that_was_raised_from_itself_can_be_passed_on_again():
    error = Level1Error("a.fits: cut off")
    error.__cause__ = error  # as `raise failure from error` does where both are one
    assert one_line_failure(error, "preprocess of A", LOGGER) is error


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
