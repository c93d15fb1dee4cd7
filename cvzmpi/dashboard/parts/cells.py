"""The parts of a page: tables and lines of text, the same for the first page and for each update.

A page is made once by the server; afterwards a script asks for its parts as JSON, and puts them in
the place of the old ones. So all words and figures are made here, and neither the templates nor the
script know what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cvzmpi.estimates import duration
from cvzmpi.ledger.records import LedgerUnit, now

Rows = list[list[dict[str, str]]]
"""The rows of a table: cells, each with its text and perhaps `href`, `kind`, `retry`."""

Parts = dict[str, str | Rows]
"""The parts of a page by name."""


@dataclass(frozen=True)
class Addresses:
    """The addresses that parts link to."""

    unit: Callable[[str], str]  # of the history of a unit
    state: Callable[[str], str]  # of the units in a state


def cell(text: object, *, href: str = "", kind: str = "", retry: str = "") -> dict[str, str]:
    """A cell of a table.

    Parameters
    ----------
    kind : str
        Its class: `text` is set to the left, `good`, `warning` and `bad` are colours.
    retry : str
        The unit whose failure, and all like it, a button in this cell retries.
    """
    values = {"text": str(text), "href": href, "kind": kind, "retry": retry}
    return {name: value for name, value in values.items() if value or name == "text"}


def words(text: object, **more: str) -> dict[str, str]:
    """A cell with text."""
    return cell(text, **{"kind": "text", **more})


def unit_cell(name: str, addresses: Addresses) -> dict[str, str]:
    """A cell that leads to the history of a unit."""
    return words(name, href=addresses.unit(name))


def time_cell(at: datetime) -> dict[str, str]:
    """A cell with an instant, in UTC."""
    return cell(f"{at:%Y-%m-%d %H:%M:%S}")


def ago_cell(at: datetime) -> dict[str, str]:
    """A cell with the time since an instant."""
    return cell(ago(at))


def ago(at: datetime) -> str:
    """The time since an instant, in words."""
    return duration(max((now() - at).total_seconds(), 0.0))


def unit_rows(units: Sequence[LedgerUnit], addresses: Addresses) -> Rows:
    """A table of units: name, since when it is in its state, cost, attempts."""
    return [
        [
            unit_cell(unit.name, addresses),
            words(str(unit.state).replace("_", " ")),
            time_cell(unit.since),
            ago_cell(unit.since),
            cell("yes" if unit.progress else ""),
            cell(unit.attempts_used),
        ]
        for unit in units
    ]


def size(n_bytes: float) -> str:
    """A number of bytes in words, as 1.5 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(n_bytes) < 1000:
            return f"{n_bytes:.0f} {unit}" if unit == "bytes" else f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:,.3g} TB"


def figure(value: Any) -> str:
    """A figure of a result, as a table has it."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value)
