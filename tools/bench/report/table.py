"""The lines of the table of docs/benchmark.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

from tools.bench.measuring.timing import Samples, duration, number
from tools.harness.markdown import markdown_table

_COLUMNS = ("what", "reference", "ours", "ratio", "limit", "share", "target", "met?")
_MET = {True: "yes", False: "**no**", None: ""}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `met` is None where there is no target. Where `flops` are given, operations of matrix products
    that take `seconds`, limit and share follow from the rate that the core can reach.
    """

    what: str
    reference: str = ""
    ours: str = ""
    ratio: str = ""
    limit: str = ""
    share: str = ""
    target: str = ""
    met: bool | None = None
    flops: float = 0.0
    seconds: float = nan

    def cells(self, peak: float) -> list[str]:
        """The line, where a core can do `peak` operations a second."""
        limit, share = self.limit, self.share
        if self.flops:
            seconds = self.flops / peak
            limit, share = duration(seconds), f"{seconds / self.seconds:.0%}"
        met = _MET[self.met]
        return [self.what, self.reference, self.ours, self.ratio, limit, share, self.target, met]


def compared(
    what: str,
    name: str,
    reference: Samples | None,
    ours: Samples,
    *,
    more: str = "",
    target: str = "",
    at_most: float = nan,
    at_least: float = 0.0,
    flops: float = 0.0,
) -> Row:
    """A line of two times; the target is met also where there is no reference.

    Parameters
    ----------
    name : str
        Of the reference.
    more : str
        What is said behind our time.
    target : str, optional
        Ours takes `at_most` so many seconds, and is `at_least` so many times faster.
    """
    ratio = nan if reference is None else reference.median / ours.median
    return Row(
        what,
        "" if reference is None else f"{name} {reference.text()}".strip(),
        ours.text() + more,
        times(ratio),
        target=target,
        met=ours.median <= at_most and not ratio < at_least if target else None,
        flops=flops,
        seconds=ours.median,
    )


def times(ratio: float) -> str:
    """A ratio as the table has it; nothing for NaN."""
    return "" if ratio != ratio else f"{number(ratio)} x"


def table(rows: Iterable[Row], peak: float) -> str:
    """All lines as Markdown; `peak` in operations a second."""
    return markdown_table(_COLUMNS, (row.cells(peak) for row in rows))
