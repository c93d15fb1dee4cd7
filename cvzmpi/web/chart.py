"""Charts that `charts.js` draws: axes and series described, and the script that hands them over.

A page has `<div class="chart" id="NAME"></div>` where the chart is to be, and runs the script.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cvzmpi.web.packed_arrays import packed

Kind = Literal["points", "line", "steps", "bars", "band"]

SCRIPTS = (
    "uplot/uPlot.iife.min.js",
    "packed_arrays.js",
    "chart_arrays.js",
    "numbers.js",
    "chart_ticks.js",
    "chart_drawing.js",
    "chart_parts.js",
    "gestures.js",
    "chart_zoom.js",
    "charts.js",
)
STYLES = ("uplot/uPlot.min.css", "charts.css")
"""Files of `web.assets` that a page with charts loads, in this order, after those of the theme,
`elements.js` and `downloads.js`."""

_LONG = 200
"""Values from which an array is compressed: shorter ones stay readable and are as small."""


@dataclass(frozen=True)
class Axis:
    """An axis: what it shows, in which unit, and how."""

    title: str
    unit: str = ""
    log: bool = False
    reversed: bool = False
    whole: bool = False  # ticks at whole numbers only: for counts
    words: tuple[str, ...] = ()  # categories: labels of the positions 0, 1, 2, ...
    covers: tuple[float, ...] = ()  # values that it shows in any case, beside those of the series
    hidden: bool = False  # without ticks and values: for a map, whose series say where by `facts`


@dataclass(frozen=True)
class SecondAxis:
    """The x axis once more, in another unit: on the opposite side, `factor` times as much."""

    title: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Mark:
    """A line across the chart at a value of an axis, or the stretch from there to `until`.

    An infinite `value` or `until` is the end of the axis.
    """

    value: float
    words: str
    axis: Literal["x", "y"] = "x"
    until: float | None = None


@dataclass(frozen=True)
class Fact:
    """What else is known about the points of a series: shown on hover, a column of the table."""

    title: str
    values: Collection[Any]
    unit: str = ""
    exact: bool = False  # with all their digits, as times need them


@dataclass(frozen=True)
class Series:
    """Points, or what is drawn through them.

    `x` may have one more value than `y` for `bars` and `steps`: the edges of bins. A NaN interrupts
    a line. `low` and `high` are the ends of error bars (absolute values, not lengths), or the edges
    of a band, which needs no `y`.
    """

    name: str
    x: Collection[float]
    y: Collection[float] = ()
    kind: Kind = "points"
    colour: str = "series-1"  # a variable of the theme, without its two dashes
    low: Collection[float] = ()
    high: Collection[float] = ()
    limit: Literal["", "upper", "lower"] = ""  # drawn as arrows downwards or upwards
    labels: Collection[str] = ()  # of the points, as "TIC 261136679"
    links: Collection[str] = ()  # addresses that they lead to
    value: Collection[float] = ()  # shown by a scale of colours
    value_title: str = ""
    value_log: bool = False
    facts: tuple[Fact, ...] = ()
    dashed: bool = False
    faint: bool = False  # thin and half transparent: many lines, a grid

    def __post_init__(self) -> None:
        n = len(self.low) if self.kind == "band" else len(self.y)
        edges = 1 if self.kind in ("bars", "steps") and len(self.x) == n + 1 else 0
        lengths = {
            "x": len(self.x) - edges,
            "y": len(self.y) or (n if self.kind == "band" else 0),
            **{
                name: len(getattr(self, name)) or n
                for name in ("low", "high", "labels", "links", "value")
            },
            **{f"fact {fact.title}": len(fact.values) for fact in self.facts},
        }
        wrong = {name: length for name, length in lengths.items() if length != n}
        if wrong:
            raise ValueError(f"series {self.name!r} of {n} points has other lengths: {wrong}")
        if bool(len(self.low)) != bool(len(self.high)):
            raise ValueError(f"series {self.name!r} needs both low and high, or neither")
        if len(self.value) and not self.value_title:
            raise ValueError(f"series {self.name!r} has values without value_title")


@dataclass(frozen=True)
class Chart:
    """A chart: its name is the id of its element and begins the names of downloaded files."""

    name: str
    title: str
    caption: str  # one sentence: what it shows
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    second_x: SecondAxis | None = None
    marks: tuple[Mark, ...] = ()
    equal: bool = False  # a unit is as long on both axes
    nothing: str = "There is nothing to draw."  # why, where no series has a point

    def __post_init__(self) -> None:
        if not self.name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"{self.name!r} is no name for a chart: letters, digits, - and _")

    @property
    def empty(self) -> bool:
        """True if no series has a point to draw."""
        return not any(
            _drawable(x, y, self.x.log, self.y.log)
            for series in self.series
            for x, y in zip(series.x, series.y if len(series.y) else series.high, strict=False)
        )

    def script(self) -> str:
        """JavaScript that hands the chart to `charts.js`."""
        return charts_script([self])


def charts_script(charts: Iterable[Chart]) -> str:
    """JavaScript that hands charts to `charts.js`; what several of them hold is written once."""
    arrays = _Arrays()
    calls = []
    for chart in charts:
        description = {
            "title": chart.title,
            "caption": chart.caption,
            "x": _described(chart.x),
            "y": _described(chart.y),
            "series": [_series(series, arrays) for series in chart.series],
            "second": None if chart.second_x is None else _described(chart.second_x),
            "marks": [_mark(mark) for mark in chart.marks],
            "equal": chart.equal,
            "nothing": chart.nothing if chart.empty else "",
        }
        calls.append(f"cvzmpi.chart({_json(chart.name)}, {_json(description)});\n")
    handed = (f'cvzmpi.array("{key}", {_json(array)});\n' for key, array in arrays.packed.items())
    return "".join([*handed, *calls])


@dataclass
class _Arrays:
    """Long arrays, packed, by the beginning of their checksum."""

    packed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def _add(self, kind: str, content: bytes) -> dict[str, str]:
        key = hashlib.sha256(kind.encode() + content).hexdigest()[:16]
        if key not in self.packed:
            self.packed[key] = packed(kind, content)
        return {"packed": key}

    def numbers(self, values: Collection[float], exact: bool = False) -> Any:
        """Where short, ten digits; where long, float32, or float64 if `exact`; little-endian."""
        plain = [math.nan if value is None else float(value) for value in values]
        if len(plain) < _LONG:
            return [_finite(value) for value in plain]
        numbers = array("d" if exact else "f", plain)
        if sys.byteorder == "big":
            numbers.byteswap()
        return self._add("f8" if exact else "f4", numbers.tobytes())

    def strings(self, values: Collection[str]) -> Any:
        if len(values) < _LONG:
            return list(values)
        return self._add("text", "\n".join(values).encode())


def _series(series: Series, arrays: _Arrays) -> dict[str, Any]:
    numbers = {name: getattr(series, name) for name in ("x", "y", "low", "high", "value")}
    strings = {name: getattr(series, name) for name in ("labels", "links")}
    settings = ("name", "kind", "colour", "limit", "value_title", "value_log", "dashed", "faint")
    return {
        **{name: getattr(series, name) for name in settings if getattr(series, name)},
        **{name: arrays.numbers(values) for name, values in numbers.items() if len(values)},
        **{name: arrays.strings(values) for name, values in strings.items() if len(values)},
        "facts": [_fact(fact, arrays) for fact in series.facts],
    }


def _fact(fact: Fact, arrays: _Arrays) -> dict[str, Any]:
    words = any(isinstance(value, str) for value in fact.values)
    values = arrays.strings(fact.values) if words else arrays.numbers(fact.values, fact.exact)
    return {"title": fact.title, "unit": fact.unit, "exact": fact.exact, "values": values}


def _mark(mark: Mark) -> dict[str, Any]:
    ends = {"value": _finite(mark.value)}
    if mark.until is not None:
        ends["until"] = _finite(mark.until)
    return {"axis": mark.axis, "words": mark.words, **ends}


def _described(axis: Axis | SecondAxis) -> dict[str, Any]:
    """Its settings, without those that are off."""
    return {name: value for name, value in vars(axis).items() if value}


def _finite(value: float) -> float | None:
    """None, as JSON knows neither NaN nor infinity; else the value to ten digits."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.10g}")
    # a whole number is shorter without its ".0": the counts and positions of each star's charts
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e9 else rounded


def _drawable(x: float, y: float, x_log: bool, y_log: bool) -> bool:
    return all(
        value is not None and math.isfinite(value) and (value > 0 or not log)
        for value, log in ((x, x_log), (y, y_log))
    )


def _json(content: Mapping[str, Any] | str) -> str:
    # so that no text can end the script element that this may stand in
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")
