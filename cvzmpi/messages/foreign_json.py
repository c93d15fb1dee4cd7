"""JSON and text that others wrote: read within bounds, and shown on one line.

Not all that can be read can be stored: PostgreSQL takes no NUL in a text and no NaN, and no
database takes half a character of UTF-16. `why_not_storable` finds it before a database does.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 20
MAX_VALUES = 100_000
MAX_CHARACTERS = 1_000_000
"""Bounds of a value that is stored: levels, values in it, and characters of all its texts."""

_MAX_DIGITS = 400


class ForeignJsonError(ValueError):
    """A text is no JSON, or has duplicate keys, NaN or too many levels."""


def parse(content: bytes, *, strict: bool = True) -> Any:
    """Read JSON.

    Parameters
    ----------
    content : bytes
        In UTF-8, with a byte order mark or without.
    strict : bool
        Refuse NaN and infinities, and keys that come twice. Otherwise a number that is too long
        arrives as its text, so that the rest can be read.

    Raises
    ------
    ForeignJsonError
        With the reason, on one line.
    """
    rules: dict[str, Any] = {"parse_int": _integer}
    if strict:
        rules = {"parse_constant": _refuse_constant, "object_pairs_hook": _without_twins}
    try:
        return json.loads(content.decode("utf-8-sig"), **rules)
    except UnicodeDecodeError as error:
        raise ForeignJsonError(f"not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise ForeignJsonError("nested too deeply") from error
    except ValueError as error:
        raise ForeignJsonError(shown(str(error), 200)) from error


def why_not_storable(value: Any) -> str | None:
    """The reason why a JSON value cannot be stored; None if it can."""
    n_values = n_characters = 0
    waiting = [(value, 0)]
    while waiting:  # without recursion, since the value may be nested however deeply
        inside, depth = waiting.pop()
        n_values += 1
        if depth > MAX_DEPTH:
            return f"nested more than {MAX_DEPTH} levels deep"
        if isinstance(inside, str):
            n_characters += len(inside)
            if (wrong := why_not_text(inside)) is not None:
                return wrong
        elif isinstance(inside, float):
            if not math.isfinite(inside):
                return f"{inside} is no number of JSON"
        elif isinstance(inside, dict):
            waiting += [(part, depth + 1) for item in inside.items() for part in item]
        elif isinstance(inside, list):
            waiting += [(part, depth + 1) for part in inside]
        if n_values + len(waiting) > MAX_VALUES or n_characters > MAX_CHARACTERS:
            return f"more than {MAX_VALUES:,} values or {MAX_CHARACTERS:,} characters"
    return None


def why_not_text(text: str) -> str | None:
    """The reason why a text cannot be stored; None if it can."""
    if "\0" in text:
        return f"a NUL in {shown(text)}"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return f"half a character (a lone surrogate) in {shown(text)}"
    return None


def shown(value: Any, length: int = 60) -> str:
    """A value on one line of printable characters, cut to a length; a text in quotes."""
    try:
        text = repr(value[: length + 1] if isinstance(value, str | bytes) else value)
    except (RecursionError, ValueError):  # nested too deeply; an integer of too many digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= length else f"{text[: length - 3]}..."


def plain(text: str, length: int = 1000) -> str:
    """A text on one line of printable characters, cut to a length; no quotes, unlike `shown`."""
    line = " ".join(text[: length + 1].split())
    escaped = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in line
    )
    return escaped if len(escaped) <= length else f"{escaped[: length - 3]}..."


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twin)} comes twice")
    return found
