"""How a page says whether a target is met."""

from __future__ import annotations

MISSING = "-"
"""Stands for a figure of something that this version of the inversion does not have."""


def verdict(is_met: bool) -> str:
    """A cell of a table."""
    return "met" if is_met else "**not met**"
