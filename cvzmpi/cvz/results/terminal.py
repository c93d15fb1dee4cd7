"""Text on the terminal or down a pipe: what `show` prints of one sector file and of several."""

from __future__ import annotations

import math
import os
import textwrap
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.sector_file.data import Recovery

WIDTH = 100
"""Columns where there is no terminal to ask."""

_INDENT = 17


def plain_console(piped_width: int = WIDTH) -> Console:
    """Plain text: a path or a number is not to be taken for markup, or coloured.

    `piped_width` is in columns, where the output is no terminal and the environment says nothing.
    """
    console = Console(highlight=False, emoji=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = piped_width
    return console


def plain_table(names: Iterable[str], collapse_padding: bool = False) -> Table:
    """A table of right-aligned columns that are never wrapped."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=collapse_padding)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def print_heading(console: Console, text: str) -> None:
    """An empty line and a title."""
    console.print()
    console.print(text, style="bold")


def print_facts(console: Console, facts: Iterable[tuple[str, str]]) -> None:
    """Names and values in two columns."""
    for name, value in facts:
        # A path or a checksum is never broken: people copy it.
        first, *others = textwrap.wrap(
            value, console.width - _INDENT, break_long_words=False, break_on_hyphens=False
        ) or [""]
        if len(name) > _INDENT - 3:  # a long name has a line of its own
            console.print(Text(f"  {name}", "dim"))
            others, name, first = [first, *others], "", ""
        if name:
            console.print(Text.assemble((f"  {name:<{_INDENT - 2}}", "dim"), first), soft_wrap=True)
        for line in others:
            console.print(" " * _INDENT + line, soft_wrap=True)


def half_found(recovery: Recovery, size: str, factor: float = 1.0) -> str:
    """The size at which half of the injected flares are found, with its sign if it is a bound.

    `size` is `amplitude` or `equivalent_duration`; it is shown times `factor`.
    """
    sizes = getattr(recovery, size)
    curve = CompletenessCurve.fit(sizes, recovery.recovered, recovery.counted, n_draws=0)
    limit = curve.limit(0.5)
    sign = "" if limit.relation == "=" else f"{limit.relation} "
    return f"{sign}{limit.value * factor:.3g}"


def in_erg(energy: float) -> str:
    """An energy, or its error, as text."""
    return f"{energy:.2e}".replace("e+", "e") if math.isfinite(energy) else "-"
