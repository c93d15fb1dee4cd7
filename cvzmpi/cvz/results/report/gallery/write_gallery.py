"""Write the gallery: its page, and a script with the flares of each set, on all ranks."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cvzmpi.cvz.detection.search import Search, found_by_in_words
from cvzmpi.cvz.light_curves.exposure import MINUTES_PER_DAY
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.report.gallery.choice import MOST_PER_STAR, SETS, Choice, ChosenFlare
from cvzmpi.cvz.results.report.gallery.cut_out import CutOut
from cvzmpi.cvz.results.report.gallery.evidence import Seen, evidence
from cvzmpi.cvz.results.report.light_curve_data import flare_anchor
from cvzmpi.cvz.results.report.star_page import page_of_star
from cvzmpi.cvz.results.report.templates import page
from cvzmpi.messages.progress_bar import ProgressBar
from cvzmpi.mpi.launch import World
from cvzmpi.storage.whole_file import write_derived

PAGE = "gallery.html"
"""The address of the page, relative to the report."""


@dataclass(frozen=True)
class _Fact:
    """A number of a flare that is shown: its title and unit, and how many digits it has."""

    title: str
    unit: str
    digits: int
    key: str
    error_key: str = ""
    scale: float = 1.0


_FACTS = (
    _Fact("peak, BTJD", "d", 9, "peak_time"),
    _Fact("ED", "s", 4, "equivalent_duration", "equivalent_duration_error"),
    _Fact("energy", "erg", 3, "energy", "energy_error"),
    _Fact("amplitude", "%", 3, "amplitude", scale=100),
    _Fact("FWHM", "min", 3, "fwhm", "fwhm_error", MINUTES_PER_DAY),
    _Fact("duration", "min", 3, "duration", scale=MINUTES_PER_DAY),
    _Fact("S/N", "", 3, "snr"),
    _Fact("highest p", "", 3, "max_probability"),
    _Fact("reliability", "", 3, "reliability"),
    _Fact("TESS", "mag", 4, "tess_magnitude"),
    _Fact("temp.", "K", 4, "temperature"),
)


def write_gallery(
    choice: Choice,
    results: Path,
    report: Path,
    world: World,
    search: Search = DEFAULT_SEARCH,
) -> list[str]:
    """Write the gallery of a report: collective.

    Parameters
    ----------
    choice : Choice
        The flares, the same on all ranks.
    results, report : Path
        Directories of the sector files and of the report.
    search : Search
        The search chosen.

    Returns
    -------
    list of str
        A line for each sector file whose flares are missing because it cannot be read.

    Raises
    ------
    SectorFileError
        If the page cannot be written.
    """
    of_file: dict[str, list[int]] = defaultdict(list)
    for number, flare in enumerate(choice.flares):
        of_file[flare.curve["path"]].append(number)

    def read(path: str) -> list[dict[str, Any]] | LeftOut:
        flares = [choice.flares[number] for number in of_file[path]]
        return isolated(results / path, lambda: _shown_flares(results / path, flares, search))

    with ProgressBar() as bar:
        read_files = world.scatter(
            list(of_file), read, lambda done, total: bar.show("gallery", done, total, " files read")
        )

    def write() -> list[str]:
        shown: dict[int, dict[str, Any]] = {}
        left_out = []
        for numbers, of_this in zip(of_file.values(), read_files, strict=True):
            if isinstance(of_this, LeftOut):
                left_out.append(of_this.line.replace(f"{results}/", ""))
            else:
                shown.update(zip(numbers, of_this, strict=True))
        sets = {
            name: [shown[number] for number in numbers if number in shown]
            for name, numbers in choice.sets.items()
        }
        _write_page(sets, report, left_out)
        return left_out

    return world.first(write)


def _shown_flares(path: Path, flares: list[ChosenFlare], search: Search) -> list[dict[str, Any]]:
    """The flares of a sector file as the page shows them."""
    file = SearchedFile.read(path, search)
    return [_shown(file, flare) for flare in flares]


def _shown(file: SearchedFile, flare: ChosenFlare) -> dict[str, Any]:
    cut_out, measures = CutOut.of(file, flare), flare.measures
    weighed = evidence(Seen.of(file, flare, cut_out))
    tic, sector = measures["tic"], measures["sector"]
    values = {
        **measures,
        "duration": measures["stop_time"] - measures["start_time"],
        "tess_magnitude": flare.curve["tess_magnitude"],
        "temperature": flare.curve["temperature"],
    }
    return {
        "star": file.id.star,
        "part": file.id.part,
        "page": f"{page_of_star(tic)}#{flare_anchor(sector, flare.number)}",
        "threshold": flare.curve["min_probability"],
        "search": found_by_in_words(measures["found_by"]),
        "values": [_number(values[fact.key], fact.scale) for fact in _FACTS],
        "errors": [
            _number(values[fact.error_key], fact.scale) if fact.error_key else None
            for fact in _FACTS
        ],
        "speaksFor": weighed.speaks_for,
        "speaksAgainst": weighed.speaks_against,
        "cutOut": cut_out.packed(),
    }


def _number(value: float | None, scale: float) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value * scale:.10g}")


def _write_page(
    sets: Mapping[str, list[dict[str, Any]]], report: Path, left_out: list[str]
) -> None:
    facts = [{"title": f.title, "unit": f.unit, "digits": f.digits} for f in _FACTS]
    for name, flares in sets.items():
        content = {"facts": facts, "flares": flares}
        text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        script = f"cvzmpi.gallery({json.dumps(name)}, {text});\n"
        write_derived(report / "data" / f"gallery-{name}.js", script.encode())
    shown = [(one, len(sets[one.name])) for one in SETS]
    html = page(
        "gallery.html", root=".", sets=shown, left_out=left_out, most_per_star=MOST_PER_STAR
    )
    write_derived(report / PAGE, html.encode())
