"""Values of HTTP headers that say a number, whatever a server writes there."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

_MOST_DIGITS = 18


def content_length(text: str) -> int | None:
    """Bytes that `Content-Length` announces; None where it is missing or no number."""
    return _whole_number(text)


def retry_after(text: str) -> float:
    """Seconds that `Retry-After` asks for: a number, or a date (RFC 9110, 10.2.3); else 0."""
    seconds = _whole_number(text)
    if seconds is not None:
        return float(seconds)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError, OSError):
        return 0.0


def _whole_number(text: str) -> int | None:
    """Not `int(text)`, which takes digits of all scripts and has a limit on their number."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        return None
    return int(digits)
