"""The style of all pictures, and how they are written.

Colours are from the palette of Okabe and Ito and from `cividis`, which people with any colour
vision can tell apart; what they distinguish differs in its marker or line as well.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from cvzmpi.errors import ConfigError

DATA = "0.45"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

# Of every format, what would make two figures of the same content differ.
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


class Picture(Figure):
    """A figure that a notebook shows, whether or not pyplot is loaded there."""

    def _repr_png_(self) -> bytes:
        with mpl.style.context(_STYLE, after_reset=True):
            image = BytesIO()
            self.savefig(image, format="png", dpi=_DPI)
        return image.getvalue()


def picture(width: float, height: float) -> Any:
    """A new figure of this size in inches, that no window shows."""
    figure = Picture(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def drawn(draw: Callable[[], Any]) -> Any:
    """Draw a figure in our style."""
    with mpl.style.context(_STYLE, after_reset=True):
        return draw()


def save(draw: Callable[[], Any], output: Path) -> Path:
    """Draw a figure in our style, and write it as PNG or PDF; `output` is returned.

    The same content gives the same file to the last bit, whatever matplotlib's settings are.

    Raises
    ------
    ConfigError
        If the output is neither PNG nor PDF, or cannot be written.
    """
    suffix = check_suffix(output)
    with mpl.style.context(_STYLE, after_reset=True):
        figure = draw()
        try:
            figure.savefig(output, dpi=_DPI, metadata=_METADATA[suffix])
        except OSError as error:
            raise ConfigError(f"{output}: cannot be written: {error.strerror}") from error
    return output


def check_suffix(output: Path) -> str:
    """The suffix of a picture, in lower case.

    Raises
    ------
    ConfigError
        If it is neither PNG nor PDF.
    """
    suffix = output.suffix.lower()
    if suffix not in _METADATA:
        raise ConfigError(f"{output}: cannot draw {suffix or 'without a suffix'}, use .png or .pdf")
    return suffix


def with_error(value: float, error: float) -> str:
    """Both, to two digits of the error."""
    decimals = max(0, 1 - int(np.floor(np.log10(error)))) if error > 0 else 2
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def say(axes: Any, title: str, text: str) -> None:
    """A panel that has nothing to draw."""
    axes.set_title(title, loc="left")
    axes.set(xticks=[], yticks=[], facecolor="0.97")
    axes.spines[:].set_color("0.8")
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="0.35")


def label_decades(axis: Any, subs: tuple[int, ...] = (1, 2, 5)) -> None:
    """Write the ticks of a logarithmic axis as plain numbers."""
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
