"""One program stops no other: whatever a step raises about it becomes one line.

A step that works on several programs works on each within

    try:
        ...
    except Exception as error:
        failure = program_failure(error, f"preprocess of {program}", _LOGGER)
        ...  # the program goes into error, with that line in its history
"""

from __future__ import annotations

import logging

from cvzmpi.errors import (
    ConfigError,
    CvzmpiError,
    MachineError,
    MissingPackageError,
    PutOffError,
    UnavailableError,
    defect_line,
    one_line,
)
from cvzmpi.mpi.machine_fault import is_machine_fault
from cvzmpi.runtime.job_log import current_log

_ABOUT_ALL = (ConfigError, MissingPackageError, PutOffError, UnavailableError)


class StepFailedError(CvzmpiError):
    """A step failed for a reason that cvzmpi does not foresee; its traceback is in the log.

    Remedy: look at the input that the message names, and at the log; then try the program again.
    """


def one_line_failure(error: Exception, what: str, logger: logging.Logger) -> CvzmpiError:
    """The error with one line that stands for any error of a step.

    Parameters
    ----------
    error : Exception
        As the step raised it.
    what : str
        The step and the program, or the file, for messages that do not name it themselves.
    logger : logging.Logger
        Gets the traceback of an unforeseen error.

    Returns
    -------
    CvzmpiError
        A `MachineError` if the machine is at fault, as when its disk is full; the error itself if
        it is for users; a `StepFailedError` for any other.
    """
    if is_machine_fault(error) and not isinstance(error, _ABOUT_ALL):
        text = one_line(error)
        return MachineError(text if isinstance(error, CvzmpiError) else f"{what}: {text}")
    if isinstance(error, CvzmpiError):
        return error
    logger.error("%s: unforeseen error", what, exc_info=error)
    log = current_log()
    traceback = "its traceback is in the log" if log is None else f"its traceback is in {log}"
    return StepFailedError(f"{what}: {defect_line(error)}; {traceback}")


def is_about_program(error: CvzmpiError) -> bool:
    """Tell whether an error concerns one program; otherwise the others would meet it as well.

    Settings that are wrong, a package that is missing, a full disk or a store that does not answer
    say nothing about a program, which stays as it is.
    """
    return not isinstance(error, _ABOUT_ALL)


def program_failure(error: Exception, what: str, logger: logging.Logger) -> CvzmpiError:
    """The error with one line, as `one_line_failure`, if it is about one program.

    Raises
    ------
    CvzmpiError
        The error with one line, if the other programs would meet it as well.
    """
    failure = one_line_failure(error, what, logger)
    if is_about_program(failure):
        return failure
    if failure is error:
        raise failure  # raised from itself, it would be its own cause
    raise failure from error
