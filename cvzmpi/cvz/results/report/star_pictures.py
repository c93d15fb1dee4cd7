"""The pictures on the page of a star."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cvzmpi.cvz.results.pictures.star import draw_ffd, draw_sectors
from cvzmpi.cvz.results.pictures.style import save
from cvzmpi.cvz.results.products.ffd import StarFfd


@dataclass
class Picture:
    """A picture on a page: its file beside the page, and what it shows."""

    file: str
    caption: str


def star_pictures(ffd: StarFfd, directory: Path) -> list[Picture]:
    """The pictures of all light curves of a star together."""
    save(lambda: draw_ffd(ffd), directory / "ffd.png")
    save(lambda: draw_sectors(ffd), directory / "sectors.png")
    return [
        Picture("ffd.png", "Cumulative flare frequency distribution"),
        Picture("sectors.png", "Rate, flares and fractional flare energy by sector"),
    ]
