"""Tables of the pages that tools write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(columns: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Format a Markdown table."""
    return markdown_rows([columns, ["---"] * len(columns), *rows])


def markdown_rows(rows: Iterable[Iterable[str]]) -> str:
    """Format lines of a Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in rows)
