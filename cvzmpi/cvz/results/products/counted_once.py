"""Which results count, where there are several of one target and sector."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves import chosen_products
from cvzmpi.cvz.light_curves.exposure import EXPOSURE_SECONDS
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.product_names import parts_of
from cvzmpi.cvz.sector_file.reading import read_progress_by_name
from cvzmpi.errors import SectorFileError


def not_counted(files: Mapping[LightCurveId, Path], search: Search) -> dict[LightCurveId, str]:
    """The sector files that do not count, each with the reason: see `chosen_products.not_counted`.

    A light curve has results for a search if it is done, and the search can look at it.
    """

    def has_results(light_curve: LightCurveId) -> bool:
        if search.needs_stella and parts_of(light_curve.product)[1] != EXPOSURE_SECONDS:
            return False
        try:
            progress = read_progress_by_name(files[light_curve])
        except SectorFileError:
            return False
        return progress is not None and progress.done

    return chosen_products.not_counted(files, has_results)
