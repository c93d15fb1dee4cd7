"""Instants, as rows of a database have them."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from cvzmpi.errors import LedgerError


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
