"""A line of the table, and what several of them need."""

from __future__ import annotations

from dataclasses import dataclass

from tools.bench.measuring.timing import Samples, number


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` is None where there is no target, or no reference to compare."""

    what: str
    reference: str
    ours: str
    ratio: str = ""
    limit: str = ""
    share: str = ""
    target: str = ""
    met: bool | None = None


def ratio_of(reference: Samples | None, ours: Samples) -> float:
    """How many times slower the reference is; NaN where there is none."""
    return float("nan") if reference is None else reference.median / ours.median


def times(ratio: float) -> str:
    """A ratio as the table has it; nothing for NaN."""
    return "" if ratio != ratio else f"{number(ratio)} x"
