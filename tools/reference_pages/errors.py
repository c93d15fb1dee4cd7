"""The page of the errors: what each means, the exit status it ends a command with, and its remedy.

An error's docstring says what it means; its last paragraph begins with `Remedy:`.
"""

from __future__ import annotations

import inspect

from cvzmpi import errors
from cvzmpi.errors import CvzmpiError
from cvzmpi.runtime.all_ranks import status_of
from tools.reference_pages.markdown import table

_COLUMNS = ("error", "means", "exit status", "remedy")
REMEDY = "Remedy:"


def errors_page() -> str:
    """All errors that have a message for the user, in the order of the module."""
    rows = [
        (f"`{error.__name__}`", _meaning(error), str(_status(error)), remedy(error))
        for error in all_errors()
    ]
    return table(_COLUMNS, rows) + "\n"


def all_errors() -> list[type[CvzmpiError]]:
    """The errors of `cvzmpi.errors`, the base left out."""
    members = [m for m in vars(errors).values() if inspect.isclass(m)]
    return [m for m in members if issubclass(m, CvzmpiError) and m is not CvzmpiError]


def remedy(error: type[CvzmpiError]) -> str:
    """What to do about an error, as its docstring says; empty where it does not."""
    _, separator, text = inspect.cleandoc(error.__doc__ or "").partition(REMEDY)
    return " ".join(text.partition("\n\n")[0].split()) if separator else ""


def _meaning(error: type[CvzmpiError]) -> str:
    paragraphs = inspect.cleandoc(error.__doc__ or "").split("\n\n")
    return " ".join(paragraphs[0].split())


def _status(error: type[CvzmpiError]) -> int:
    return status_of(error(""))
