"""The pictures of one light curve in a notebook: figures in our style that are in no file."""

from __future__ import annotations

from typing import Any

from cvzmpi.cvz.results.pictures.light_curve import Content, draw_zooms, title_of
from cvzmpi.cvz.results.pictures.overview import draw_overview
from cvzmpi.cvz.results.pictures.recovery import draw_completeness
from cvzmpi.cvz.results.pictures.star import draw_ffd
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.errors import SectorFileError
from cvzmpi.pictures.style import drawn

PICTURES = ("overview", "flares", "completeness", "ffd")
"""What `SectorFile.plot` can draw."""


def picture_of(file: SearchedFile, what: str) -> Any:
    """The figure of a light curve: all of `PICTURES` but the last.

    Raises
    ------
    SectorFileError
        If the injected flares do not say how complete the search is.
    ValueError
        If it is none of these.
    """
    content = Content.of(file)
    if what == "overview":
        return drawn(lambda: draw_overview(content))
    if what == "flares":
        return drawn(lambda: draw_zooms(content))
    if what != "completeness":
        raise ValueError(f"what = {what!r}: expected one of {', '.join(PICTURES)}")
    recovery = content.recovery
    if recovery is None or not recovery.n_placed:
        raise SectorFileError(f"{content.described}: no flares were injected yet")
    return drawn(lambda: draw_completeness(recovery, title_of(content)))


def ffd_picture(star: StarFfd) -> Any:
    """The figure of a flare frequency distribution."""
    return drawn(lambda: draw_ffd(star))
