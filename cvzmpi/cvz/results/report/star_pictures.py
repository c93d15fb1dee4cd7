"""The pictures on the page of a star."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.pictures.light_curve import Content, draw_zooms, title_of
from cvzmpi.cvz.results.pictures.overview import draw_overview
from cvzmpi.cvz.results.pictures.recovery import draw_completeness, draw_recovery_intervals
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.pictures.style import save


@dataclass
class Picture:
    """A picture on a page: its file beside the page, and what it shows."""

    file: str
    caption: str


@dataclass
class Section:
    """The pictures of one light curve."""

    sector: int
    pictures: list[Picture] = field(default_factory=list)
    problem: str = ""


def light_curve_pictures(
    row: Mapping[str, Any],
    results: Path,
    directory: Path,
    search: Search = DEFAULT_SEARCH,
    known_flares: Columns | None = None,
) -> tuple[Section, LeftOut | None]:
    """The pictures of a light curve, as far as they can be drawn, and why not the others."""
    section, path = Section(row["sector"]), results / row["path"]

    def work() -> None:
        _draw_light_curve(section, Content.read(path, search, known_flares), directory)

    problem = isolated(path, work)
    if problem is not None:
        section.problem = problem.line.replace(f"{results}/", "")
    return section, problem


def _draw_light_curve(section: Section, content: Content, directory: Path) -> None:
    def add(name: str, caption: str, draw: Callable[[], Any]) -> None:
        file = f"{section.sector}_{name}.png"
        save(draw, directory / file)
        section.pictures.append(Picture(file, caption))

    add("light_curve", "Light curve, largest flare, recovery", lambda: draw_overview(content))
    if content.searched.n_flares:
        add("flares", "The largest flares", lambda: draw_zooms(content))
    recovery, title = content.recovery, title_of(content)
    if recovery is not None and recovery.n_placed:
        add("completeness", "Completeness", lambda: draw_completeness(recovery, title))
        add("recovery", "Recovered fraction", lambda: draw_recovery_intervals(recovery, title))
