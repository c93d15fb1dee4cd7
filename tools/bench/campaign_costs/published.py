"""Figures that other benchmarks wrote into their pages, so that nothing is measured twice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LIGHT_CURVE = r"At the measured ([\d.]+) s each"
_INDEX = r"^\| first time, full size[^|]*\| 1 \| ([\d,]+) of [\d,]+ \| ([\d.]+) s"
_REPORT = r"One light curve of the whole campaign costs ([\d.]+) ms of CPU"
_LEDGER = (
    r"\*\*PostgreSQL\*\*.*?claim of ([\d,]+) units \| ([\d.]+) s.*?"
    r"begin a unit, in one batch \| ([\d.]+) s.*?end one, in one batch \| ([\d.]+) s"
)


@dataclass(frozen=True)
class Published:
    """Seconds of one core for each light curve, and what a PostgreSQL ledger takes."""

    core_seconds: float
    index_seconds: float
    """Until one rank has read files of full size for the first time, and merged them."""
    report_seconds: float
    ledger_units_per_second: float
    """Claimed, begun and ended, in batches of 1,000, beside 2,000,000 older events."""


def read(docs: Path) -> Published:
    """Find the figures in the pages of a directory.

    Raises
    ------
    ValueError
        If a page does not say what it is read for.
    """
    (light_curve,) = _found(docs / "benchmark.md", _LIGHT_CURVE)
    n_files, seconds = _found(docs / "benchmark_index.md", _INDEX)
    (milliseconds,) = _found(docs / "benchmark_report.md", _REPORT)
    n_claimed, *ledger = _found(docs / "benchmark_ledger.md", _LEDGER)
    return Published(light_curve, seconds / n_files, milliseconds / 1000, n_claimed / sum(ledger))


def _found(page: Path, pattern: str) -> list[float]:
    match = re.search(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if match is None:
        raise ValueError(f"{page.name}: says nowhere {pattern!r}")
    return [float(group.replace(",", "")) for group in match.groups()]
