"""Values as JSON knows them."""

from __future__ import annotations

import json
import math
from datetime import datetime
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
