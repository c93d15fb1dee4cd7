"""The error of a map whose ambiguity cannot be resolved."""

from __future__ import annotations

from cvzmpi.errors import CvzmpiError


class NotResolvedError(CvzmpiError):
    """The 180-degree ambiguity of a map cannot be resolved; the text says why."""
