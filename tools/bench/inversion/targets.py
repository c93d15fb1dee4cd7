"""How a page says whether a target is met."""

from __future__ import annotations


def verdict(is_met: bool) -> str:
    """A cell of a table."""
    return "met" if is_met else "**not met**"
