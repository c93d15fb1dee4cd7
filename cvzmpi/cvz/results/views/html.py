"""Short tables in HTML, as notebooks show objects."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def html_table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """A title, and a line for each name with its value."""
    lines = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table><caption><b>{escape(title)}</b></caption><tbody>{lines}</tbody></table>"


def counted(number: int, what: str) -> str:
    """A number with its noun, in the plural but for 1."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
