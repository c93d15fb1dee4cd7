"""`cvzmpi plot`: one figure of a sector file, done or not.

Above the light curve with the Gaussian process and the flares; below the largest flare, and how
many of the injected flares were recovered. Colours are from the palette of Okabe and Ito and from
`cividis`, which people with any colour vision can tell apart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from cvzmpi.cvz import recovery as recoveries
from cvzmpi.cvz.recovery import Recovery, RecoveryGrid
from cvzmpi.cvz.sector_file import Progress, SectorData
from cvzmpi.errors import ConfigError

# Of every format, what would make two figures of the same file differ.
_METADATA: dict[str, dict[str, Any]] = {
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None},
}

_STYLE = {
    "font.size": 8.5,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.linewidth": 0.7,
    "legend.fontsize": 8,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "0.8",
    "legend.fancybox": False,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "pdf.fonttype": 42,
}
_DPI = 150
_DATA, _GP, _FLARE, _NOT_SEARCHED, _LIMIT = "0.45", "#0072B2", "#D55E00", "0.9", "#D55E00"

_MIN_IN_CELL = 10
"""Repeats below which a cell of the recovery map is left empty: its fraction says little."""


@dataclass(frozen=True)
class _Content:
    """A sector file as the panels need it; one entry for each usable cadence.

    Attributes
    ----------
    rows : int, shape (n,)
        Rows of the light curve.
    time : float64, shape (n,)
        BTJD.
    flux, flux_err : float64, shape (n,)
        Relative to the median flux.
    mean, sd : float64, shape (n,), or None
        Of the Gaussian process, likewise.
    """

    progress: Progress
    data: SectorData
    recovery: Recovery | None
    threshold: float
    rows: np.ndarray
    time: np.ndarray
    flux: np.ndarray
    flux_err: np.ndarray
    mean: np.ndarray | None
    sd: np.ndarray | None

    @classmethod
    def read(cls, path: Path) -> _Content:
        progress, data, recovery = recoveries.read_all(path)
        config = json.loads(progress.config_json)
        light_curve = data.light_curve
        rows = np.flatnonzero(light_curve.usable(config["light_curve.quality_bitmask"]))
        flux = light_curve.flux[rows].astype(np.float64)
        median = np.median(flux)
        return cls(
            progress=progress,
            data=data,
            recovery=recovery,
            threshold=config["detect.threshold"],
            rows=rows,
            time=light_curve.time[rows],
            flux=flux / median,
            flux_err=light_curve.flux_err[rows] / median,
            mean=None if data.gp_mu is None else data.gp_mu[rows] / median,
            sd=None if data.gp_sigma is None else data.gp_sigma[rows] / median,
        )


def plot_file(path: Path, output: Path) -> Path:
    """Draw a sector file; what is not in it yet is said in its panel.

    The same file gives the same figure to the last bit, whatever matplotlib's settings are.

    Parameters
    ----------
    path : Path
    output : Path
        A PNG or PDF file.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable or not a sector file.
    ConfigError
        If the output is neither PNG nor PDF, or cannot be written.
    """
    suffix = output.suffix.lower()
    if suffix not in _METADATA:
        raise ConfigError(f"{output}: cannot draw {suffix or 'without a suffix'}, use .png or .pdf")
    content = _Content.read(path)
    with mpl.style.context(_STYLE, after_reset=True):
        figure = _draw(content)
        try:
            figure.savefig(output, dpi=_DPI, metadata=_METADATA[suffix])
        except OSError as error:
            raise ConfigError(f"{output}: cannot be written: {error.strerror}") from error
    return output


def _draw(content: _Content) -> Figure:
    figure: Any = Figure(figsize=(8.0, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    left, right = bottom.subfigures(1, 2, width_ratios=(1.05, 1))
    light_curve = content.data.light_curve
    title = f"TIC {light_curve.tic}, sector {light_curve.sector}"
    if not content.progress.done:
        title += ", unfinished"
    elif "TESSMAG" in light_curve.header:
        title += f", $T$ = {light_curve.header['TESSMAG']:.2f} mag"
    _draw_light_curve(top.subplots(), content, title)
    _draw_largest_flare(left, content)
    _draw_recovery(right.subplots(), content.recovery)
    return figure


def _draw_light_curve(axes: Any, content: _Content, title: str) -> None:
    data, time = content.data, content.time
    axes.set_title(title, loc="left", fontweight="bold")
    for start, stop in _not_searched(content):
        axes.axvspan(start, stop, color=_NOT_SEARCHED, linewidth=0, zorder=0)
    axes.plot(time, content.flux, ".", color=_DATA, ms=1.6, mew=0, rasterized=True)
    flaring = data.flare_mask[content.rows]
    if flaring.any():
        style = {"color": _FLARE, "ms": 3, "mew": 0, "zorder": 4, "rasterized": True}
        axes.plot(time[flaring], content.flux[flaring], ".", **style)
    _draw_model(axes, content, time, slice(None))
    _mark_flares(axes, content)
    axes.set_xlim(time[0] - 0.3, time[-1] + 0.3)
    axes.set_xlabel("Time [BTJD d]")
    axes.set_ylabel("Flux / median flux")
    _draw_legend(axes, content)


def _draw_legend(axes: Any, content: _Content) -> None:
    """Above the axes, where no data can be beneath."""
    handles = [
        Patch(color=_NOT_SEARCHED, label="not searched"),
        Line2D([], [], color=_DATA, marker=".", ls="", label="flux"),
    ]
    if content.mean is None:
        handles.append(Line2D([], [], ls="", label="no Gaussian process yet"))
    else:
        handles.append(Line2D([], [], color=_GP, label="Gaussian process"))
    n_flares = len(_flare_times(content))
    what = "no flare" if not n_flares else "1 flare" if n_flares == 1 else f"{n_flares} flares"
    marker = "|" if n_flares else ""
    handles.append(Line2D([], [], color=_FLARE, marker=marker, ls="", mew=1.1, label=what))
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=4,
        frameon=False,
        borderaxespad=0.1,
        borderpad=0.2,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.3,
    )


def _mark_flares(axes: Any, content: _Content) -> None:
    """A tick for each flare on a line above the data, and the range that shows the data.

    The range is that of the searched cadences; what is brighter elsewhere has an arrow.
    """
    searched = np.isfinite(content.data.probability[content.rows])
    lowest, highest = np.min(content.flux[searched]), np.max(content.flux[searched])
    span = highest - lowest
    axes.set_ylim(lowest - 0.05 * span, highest + 0.16 * span)
    times = _flare_times(content)
    level = highest + 0.09 * span
    axes.plot(times, np.full(len(times), level), "|", color=_FLARE, ms=7, mew=1.1)
    outside = content.time[content.flux > highest + 0.16 * span]
    axes.plot(outside, np.full(len(outside), level), "^", color=_DATA, ms=4, mew=0)


def _flare_times(content: _Content) -> np.ndarray:
    """Peaks of the flares; their beginnings, as long as they are not measured."""
    if content.data.flares is not None:
        return content.data.flares["peak_time"]
    mask = content.data.flare_mask.astype(np.int8)
    return content.data.light_curve.time[np.diff(mask, prepend=0) == 1]


def _draw_model(axes: Any, content: _Content, x: np.ndarray, part: slice) -> None:
    """Mean and standard deviation of the Gaussian process, broken where the light curve is."""
    if content.mean is None or content.sd is None:
        return
    time, mean, sd = content.time[part], content.mean[part], content.sd[part]
    cuts = np.flatnonzero(np.diff(time) > 0.1) + 1
    for piece in np.split(np.arange(len(time)), cuts):
        band = (mean[piece] - sd[piece], mean[piece] + sd[piece])
        axes.fill_between(x[piece], *band, color=_GP, alpha=0.3, linewidth=0, zorder=2.5)
        axes.plot(x[piece], mean[piece], color=_GP, lw=0.9, zorder=3)


def _not_searched(content: _Content) -> list[tuple[float, float]]:
    """Stretches of time without an evaluated cadence."""
    searched = np.isfinite(content.data.probability[content.rows])
    half = content.data.light_curve.exposure / 2
    edges = content.time[searched]
    # A stretch shorter than this could not be seen: single missing cadences are everywhere.
    ends = np.flatnonzero(np.diff(edges) > 20 * content.data.light_curve.exposure)
    inner = [(edges[i] + half, edges[i + 1] - half) for i in ends]
    return [(edges[0] - 30, edges[0] - half), *inner, (edges[-1] + half, edges[-1] + 30)]


def _draw_largest_flare(figure: Any, content: _Content) -> None:
    flares = content.data.flares
    if flares is None or not len(flares["peak"]):
        nothing = "No flares measured yet" if flares is None else "No flare detected"
        _say(figure.subplots(), "Largest flare", nothing)
        return
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    largest = int(np.argmax(flares["equivalent_duration"]))
    flare = {name: column[largest] for name, column in flares.items()}
    part = _around(content, flare)
    minutes = (content.time[part] - flare["peak_time"]) * 1440
    _draw_flare(axes, content, flare, minutes, part)
    _draw_probability(below, content, minutes, part)
    figure.align_ylabels()


def _around(content: _Content, flare: dict[str, Any]) -> slice:
    """The cadences of a flare and a stretch before and after, in time, for a gap may be near."""
    exposure = content.data.light_curve.exposure
    span = flare["stop_time"] - flare["start_time"]
    start = flare["start_time"] - max(25 * exposure, span / 2)
    stop = flare["stop_time"] + max(40 * exposure, span)
    return slice(*np.searchsorted(content.time, [start, stop]))


def _draw_flare(
    axes: Any, content: _Content, flare: dict[str, Any], minutes: np.ndarray, part: slice
) -> None:
    flux, rows = content.flux[part], content.rows[part]
    inside = (rows >= flare["start"]) & (rows <= flare["stop"])
    for chosen, colour in ((~inside, _DATA), (inside, _FLARE)):
        axes.errorbar(
            minutes[chosen],
            flux[chosen],
            content.flux_err[part][chosen],
            fmt=".",
            color=colour,
            ms=4,
            mew=0,
            elinewidth=0.5,
        )
    assert content.mean is not None
    axes.fill_between(
        minutes[inside],
        content.mean[part][inside],
        flux[inside],
        color=_FLARE,
        alpha=0.18,
        linewidth=0,
    )
    _draw_model(axes, content, minutes, part)
    axes.set_title("Largest flare", loc="left")
    axes.set_ylabel("Flux / median flux")
    axes.margins(x=0.02)
    text = (
        f"peak {flare['peak_time']:.4f} BTJD\n"
        f"amplitude {flare['amplitude'] * 100:.3g} %\n"
        f"ED {_with_error(flare['equivalent_duration'], flare['equivalent_duration_error'])} s"
    )
    axes.text(0.98, 0.96, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)


def _draw_probability(axes: Any, content: _Content, minutes: np.ndarray, part: slice) -> None:
    probability = content.data.probability[content.rows[part]]
    axes.plot(minutes, probability, "-", color="black", lw=0.9, drawstyle="steps-mid")
    axes.axhline(content.threshold, color=_DATA, lw=0.8, ls="--")
    axes.set_ylim(-0.05, 1.08)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("Flare\nprobability")
    axes.set_xlabel("Time from the peak [minutes]")


def _draw_recovery(axes: Any, recovery: Recovery | None) -> None:
    title = "Recovered fraction"
    if recovery is None or not recovery.n_placed:
        _say(axes, title, "No injections yet" if recovery is None else "No injection done yet")
        return
    grid = _grid(recovery)
    fraction = np.where(grid.n_placed >= _MIN_IN_CELL, grid.fraction, np.nan)
    if np.all(np.isnan(fraction)):
        _say(axes, title, f"Too few injections yet: {_how_many(recovery)}")
        return
    minutes, percent = grid.fwhm_edges * 1440, grid.amplitude_edges * 100
    axes.set_facecolor(_NOT_SEARCHED)
    mesh = axes.pcolormesh(minutes, percent, fraction, cmap="cividis", vmin=0, vmax=1)
    bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02, aspect=30, ticks=np.linspace(0, 1, 6))
    _draw_half(axes, bar, minutes, percent, fraction)
    axes.set(xscale="log", yscale="log", xlabel="FWHM [minutes]")
    axes.set_ylabel("Amplitude [% of median flux]")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="both", direction="out", top=False, right=False)
    axes.set_title(title, loc="left")
    axes.set_title(_how_many(recovery), loc="right", fontsize=7.5)


def _grid(recovery: Recovery) -> RecoveryGrid:
    """Recoveries in cells, all but those of the 1 % shortest and the 1 % longest flares."""
    # About 150 repeats in a cell, if they were spread evenly.
    n_bins = int(np.clip(np.sqrt(recovery.n_placed / 150), 4, 12))
    typical = np.quantile(recovery.fwhm, [0.01, 0.99])
    return recoveries.count(
        recovery,
        recoveries.even_edges(recovery.amplitude, n_bins),
        recoveries.even_edges(typical, n_bins),
    )


def _draw_half(
    axes: Any, bar: Any, minutes: np.ndarray, percent: np.ndarray, fraction: np.ndarray
) -> None:
    """The line at which half is recovered, between the centres of the cells, and on the bar."""
    if min(fraction.shape) < 2 or not np.nanmin(fraction) < 0.5 < np.nanmax(fraction):
        return
    centres = [np.sqrt(edges[:-1] * edges[1:]) for edges in (minutes, percent)]
    style = {"colors": "white", "linewidths": 1.6}
    line = axes.contour(*centres, np.ma.masked_invalid(fraction), [0.5], **style)
    bar.add_lines(line)
    line.set_path_effects([Stroke(linewidth=3, foreground="black"), Normal()])
    bar.set_label("white line: 50 %")


def _how_many(recovery: Recovery) -> str:
    done = f"{recovery.n_done:,}"
    if recovery.n_done < recovery.n_inject:
        done += f" of {recovery.n_inject:,}"
    return f"{done} flares × {recovery.recovered.shape[1]} places"


def _with_error(value: float, error: float) -> str:
    """Both, to two digits of the error."""
    decimals = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 2
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def _say(axes: Any, title: str, text: str) -> None:
    """A panel that has nothing to draw."""
    axes.set_title(title, loc="left")
    axes.set(xticks=[], yticks=[], facecolor="0.97")
    axes.spines[:].set_color("0.8")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.35")
