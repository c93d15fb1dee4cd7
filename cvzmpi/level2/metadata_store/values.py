"""Types of the values in the metadata store's rows, with what is accepted of each.

The store has rows of several ages and sources. Harmless differences are accepted: the case of
names, missing counts, and times without a zone, which are in UTC. Null is accepted where a type
says so.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from itertools import product
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from cvzmpi.messages.foreign_json import plain

MAX_NAME = 200
"""Characters of a name; an index of PostgreSQL takes about 2,700 bytes at most."""

_FIRST_YEAR, _LAST_YEAR = 1950, 2150
_INT32 = 2**31 - 1  # the largest number of GraphQL's type `Int`
_FARTHEST = 1e6  # arcsec
_SHORTEST, _LONGEST = 100.0, 100_000.0  # wavelengths, nm
_MAX_STATUSES = 50
_MAX_LINES = 100

_NUMBER = r"\s*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*"
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")
_BOX = re.compile(rf"\s*\({_NUMBER},{_NUMBER}\)\s*,\s*\({_NUMBER},{_NUMBER}\)\s*")


class BoundingBox(NamedTuple):
    """A field of view in arcsec from the centre of the solar disk, by two opposite corners."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def reach(self) -> float:
        """Distance of the farthest of its four corners from the centre of the disk, in arcsec."""
        return max(math.hypot(x, y) for x, y in product((self.x1, self.x2), (self.y1, self.y2)))


def _time_text(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and _DATE.match(value)):
        raise ValueError("expected a time as ISO text")
    return value


def _utc(time: datetime | None) -> datetime | None:
    """A time in UTC; one without a zone is in UTC already."""
    if time is None or time.tzinfo is None:
        return time and time.replace(tzinfo=timezone.utc)
    try:
        return time.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError("expected a time between the years 1 and 9999") from error


def _within_years(time: datetime | None) -> datetime | None:
    if time is not None and not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"expected a time between {_FIRST_YEAR} and {_LAST_YEAR}")
    return time


def _number(value: Any) -> Any:
    """Refuse truth values, which would be read as 0 and 1."""
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


def _box(value: Any) -> BoundingBox | None:
    """`(x,y),(x,y)` in arcsec, upper right and lower left."""
    if value is None:
        return None
    match = _BOX.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected (x,y),(x,y) in arcsec")
    box = BoundingBox(*map(float, match.groups()))
    if not all(abs(value) <= _FARTHEST for value in box):
        raise ValueError(f"expected at most {_FARTHEST:g} arcsec")
    return box


def _counts(value: Any) -> Any:
    """Counts by status in lower case; a status without frames may be null."""
    if not isinstance(value, dict):
        return {} if value is None else value
    return {str(status).lower(): 0 if n is None else n for status, n in value.items()}


def _stokes(value: Any) -> Any:
    """The Stokes parameters in their usual order, from `IQUV` or a list of them."""
    if not isinstance(value, str | list | None):
        raise ValueError("expected some of I, Q, U, V")
    letters = {str(letter).strip().upper() for letter in value or ()}
    unknown = letters - set("IQUV")
    if unknown:
        raise ValueError(
            f"expected some of I, Q, U, V, not {plain(', '.join(sorted(unknown)), 60)}"
        )
    return "".join(letter for letter in "IQUV" if letter in letters)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable characters")
    return text


def is_addressable(name: str) -> bool:
    """True if a name can stand in the address of a page: browsers resolve `.` and `..`."""
    return not {".", ".."} & set(name.split("/"))


def _addressable(name: str) -> str:
    if not is_addressable(name):
        raise ValueError("expected neither . nor .. between slashes")
    return name


def _none_if_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _instead_of_none(value: Any) -> BeforeValidator:
    return BeforeValidator(lambda given: value if given is None else given)


_ShortText = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_printable)]

Name = Annotated[_ShortText, Field(min_length=1)]
NameInAddress = Annotated[Name, AfterValidator(_addressable)]
NameOrNone = Annotated[Name | None, BeforeValidator(_none_if_blank)]
NameOrBlank = Annotated[_ShortText, _instead_of_none("")]
Text = Annotated[str, _instead_of_none("")]
Flag = Annotated[bool, _instead_of_none(False)]
AnyTime = Annotated[datetime | None, BeforeValidator(_time_text), AfterValidator(_utc)]
Time = Annotated[AnyTime, AfterValidator(_within_years)]
Number = Annotated[float, BeforeValidator(_number)]
Wavelength = Annotated[float, BeforeValidator(_number), Field(ge=_SHORTEST, le=_LONGEST)]
Frames = Annotated[int, BeforeValidator(_number), Field(ge=0, le=_INT32)]
Counts = Annotated[dict[Name, Frames], BeforeValidator(_counts), Field(max_length=_MAX_STATUSES)]
Box = Annotated[BoundingBox | None, BeforeValidator(_box)]
Stokes = Annotated[str, BeforeValidator(_stokes)]
LineNames = Annotated[tuple[Name, ...], Field(max_length=_MAX_LINES)]
