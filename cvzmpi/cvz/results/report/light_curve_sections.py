"""The light curves on the page of a star: a section for each, whose data are loaded when opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.charts.light_curve_charts import light_curve_charts
from cvzmpi.cvz.results.report.light_curve_data import light_curve_script, summary
from cvzmpi.cvz.sector_file.data import Columns
from cvzmpi.storage.whole_file import write_derived
from cvzmpi.web.chart import Chart, charts_script


@dataclass
class LightCurveSection:
    """A light curve on the page: its script beside the page, and what it is in words."""

    sector: int
    name: str  # `Sector 27`, `Quarter 2`
    product: str
    n_flares: int
    summary: str = ""
    script: str = ""
    problem: str = ""
    opened: bool = False
    charts: list[Chart] = field(default_factory=list)


def write_light_curve(
    row: Mapping[str, Any],
    results: Path,
    directory: Path,
    search: Search = DEFAULT_SEARCH,
    known_flares: Columns | None = None,
) -> tuple[LightCurveSection, LeftOut | None]:
    """Write the script of a light curve; why not, where its file cannot be used.

    Parameters
    ----------
    row : mapping
        Of the index, by column.
    results, directory : Path
        Directories of the sector files, and of the star's page.
    search : str
        The search chosen.
    known_flares : dict of ndarray, optional
        The flares as they are in the index.

    Raises
    ------
    SectorFileError
        If the script cannot be written.
    """
    light_curve = LightCurveId.of_row(row)
    told = f"{light_curve.product}, {row['exposure']:.0f} s"
    part = light_curve.part.capitalize()
    section = LightCurveSection(row["sector"], part, told, row["n_flares"])
    path = results / row["path"]

    def work() -> tuple[str, str, list[Chart]]:
        content = SearchedFile.read(path, search, known_flares)
        charts = light_curve_charts(content.recovery, light_curve)
        return light_curve_script(content), summary(content), charts

    made = isolated(path, work)
    if isinstance(made, LeftOut):
        section.problem = made.line.replace(f"{results}/", "")
        return section, made
    script, section.summary, section.charts = made
    section.script = f"{section.sector}.js"
    write_derived(directory / section.script, (script + charts_script(section.charts)).encode())
    return section, None


def open_one(sections: Sequence[LightCurveSection]) -> None:
    """Let the light curve with the most flares be open when the page is."""
    drawn = [section for section in sections if section.script]
    if drawn:
        max(drawn, key=lambda section: section.n_flares).opened = True


def remove_others(sections: Sequence[LightCurveSection], directory: Path) -> None:
    """Remove the scripts of light curves that the page no longer has, and earlier pictures."""
    shown = {section.script for section in sections}
    for old in [*directory.glob("[0-9]*.js"), *directory.glob("*.png")]:
        if old.name not in shown:
            old.unlink(missing_ok=True)
