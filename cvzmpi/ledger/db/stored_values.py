"""Values as a database has them: JSON, text, instants."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from cvzmpi.errors import LedgerError

_strict = json.JSONEncoder(allow_nan=False)


def as_text(value: Any) -> str:
    """A value as the text of JSON."""
    try:
        return _strict.encode(value)  # nearly all of them are plain, and it is much faster
    except (TypeError, ValueError):
        return _strict.encode(plain(value))


def as_utf8(value: Any) -> str:
    """A value as the text of JSON for a database that reads escapes.

    PostgreSQL turns them into characters of its encoding, and knows neither NUL nor half of a
    surrogate pair (as names of files may have).
    """
    text = as_text(value)
    if "\\u" not in text:
        return text
    return json.dumps(_storable(json.loads(text)), ensure_ascii=False, allow_nan=False)


def storable_text(text: str) -> str:
    """A text as every database can have it: NUL and what is no character are written out."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {storable_text(key): _storable(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [_storable(inside) for inside in value]
    return storable_text(value) if isinstance(value, str) else value


def from_text(text: str | bytes) -> Any:
    """The value that a database has as the text of JSON.

    Raises
    ------
    LedgerError
        If it is none, or nested too deep.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LedgerError(
            f"the ledger has a value that is no usable JSON ({type(error).__name__}): {text[:40]!r}"
        ) from None


def as_object(value: Any) -> dict[str, Any]:
    """A value from a database, where it must be an object of JSON.

    Raises
    ------
    LedgerError
        If it is something else.
    """
    if not isinstance(value, dict):
        raise LedgerError(f"the ledger has {value!r:.80} where it must have an object of JSON")
    return value


def plain(value: Any) -> Any:
    """A value as JSON knows it: criterion values may be NaN or NumPy's, paths are text."""
    if isinstance(value, dict):
        return {str(key): plain(inside) for key, inside in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inside) for inside in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path | datetime) else value


def as_instant(value: Any) -> datetime:
    """An instant in UTC: SQLite has it as text without a zone.

    Raises
    ------
    LedgerError
        If the value is none.
    """
    try:
        instant: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        if instant.tzinfo is None:
            return instant.replace(tzinfo=timezone.utc)
        return instant.astimezone(timezone.utc)
    except (AttributeError, ValueError, OverflowError):
        raise LedgerError(f"the ledger has {value!r:.80} where it must have an instant") from None
