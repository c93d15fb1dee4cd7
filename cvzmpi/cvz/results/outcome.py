"""The figures of a light curve that is done, for its history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.results.products.measured_flares import largest_flare, measured_flares
from cvzmpi.cvz.sector_file.reading import SectorContent


def outcome_of(search: str, path: Path) -> dict[str, Any]:
    """The number of flares and the measures of the largest one, named as in the index.

    Parameters
    ----------
    search : str
        Whose flares are meant.
    path : Path
        The sector file.

    Raises
    ------
    SectorFileError
        If it cannot be read.
    """
    content = SectorContent.read(path)
    searched = SearchedCurve(content.data, content.config, Search(search))
    largest = largest_flare(measured_flares(searched))
    return {
        "search": str(searched.search),
        "n_flares": searched.n_flares,
        **{name: value for name, value in largest.items() if value is not None},
    }
