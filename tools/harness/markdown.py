"""Tables of the pages that tools write."""

from __future__ import annotations

from collections.abc import Iterable


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Format a Markdown table."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
