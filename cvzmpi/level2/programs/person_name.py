"""Names that people give for themselves: short, and on one line."""

from __future__ import annotations

from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.foreign_json import shown

MAX_LENGTH = 100


class PersonNameError(CvzmpiError):
    """A value is not the name of a person."""


def person_name(name: Any) -> str:
    """The name with single spaces between its words.

    Raises
    ------
    PersonNameError
        If it is no text, empty, longer than 100 characters, or not printable.
    """
    if isinstance(name, str) and len(name) <= 2 * MAX_LENGTH:
        spaced = " ".join(name.split())
        if 0 < len(spaced) <= MAX_LENGTH and spaced.isprintable():
            return spaced
    raise PersonNameError(
        f"expected a name of 1 to {MAX_LENGTH} printable characters, not {shown(name)}"
    )
