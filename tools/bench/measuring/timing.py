"""Repeated measurements of wall-clock time, and how they are written."""

from __future__ import annotations

import math
import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Samples:
    """The same thing measured several times: seconds, unless said otherwise."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Samples:
        """Collect measurements."""
        return cls(tuple(float(value) for value in values))

    @property
    def median(self) -> float:
        """The samples as the table shows them."""
        return median(self.values)

    def text(self, unit: str | None = None) -> str:
        """Median and, where there are several, the range: `0.58 s (0.57 to 0.61)`.

        Without a unit the values are seconds, and written as s, ms or µs.
        """
        scale, unit = (1.0, unit) if unit is not None else _time_unit(self.median)
        body = f"{number(self.median * scale)} {unit}"
        if len(self.values) == 1:
            return body
        low, high = (number(edge * scale) for edge in (min(self.values), max(self.values)))
        return f"{body} ({low} to {high})"


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds that `work` took, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def cpu_of_process(command: Sequence[str], **how: Any) -> float:
    """Seconds of processor time that a program takes, in all its processes; it must not fail."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def alternate(repeats: int, *works: Callable[[], float]) -> list[Samples]:
    """Measure several things in turn, again and again, so that all see the same machine.

    Each of `works` returns its measurement, for example the seconds that it took.
    """
    rounds = [[work() for work in works] for _ in range(repeats)]
    return [Samples.of(column) for column in zip(*rounds, strict=True)]


def duration(seconds: float) -> str:
    """Seconds with a fitting unit."""
    scale, unit = _time_unit(seconds)
    return f"{number(seconds * scale)} {unit}"


def number(value: float) -> str:
    """A number with two or three significant digits, thousands separated."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"


def _time_unit(seconds: float) -> tuple[float, str]:
    for scale, unit in ((1.0, "s"), (1e3, "ms")):
        if seconds * scale >= 0.1:
            return scale, unit
    return 1e6, "µs"
