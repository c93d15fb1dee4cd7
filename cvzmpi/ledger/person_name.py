"""The name of a person, as it comes into the history of a unit."""

from __future__ import annotations

from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.messages.foreign_json import shown

_LONGEST = 100


class PersonNameError(CvzmpiError):
    """A value is not the name of a person."""


def person_name(name: Any) -> str:
    """The name with single spaces between its words.

    Raises
    ------
    PersonNameError
        If it is no text, empty, longer than 100 characters, or not printable.
    """
    if isinstance(name, str) and len(name) <= 2 * _LONGEST:
        spaced = " ".join(name.split())
        if 0 < len(spaced) <= _LONGEST and spaced.isprintable():
            return spaced
    raise PersonNameError(
        f"expected a name of 1 to {_LONGEST} printable characters, not {shown(name)}"
    )
