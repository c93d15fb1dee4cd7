"""The flare frequency distribution of one star, and the light curves that are not in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cvzmpi.cvz.results.products.ffd import ASSUMED_INDEX, StarFfd
from cvzmpi.cvz.results.products.ffd_tables import StarRows
from cvzmpi.cvz.results.products.isolated import LeftOut, isolated
from cvzmpi.cvz.results.products.searched_sector import SearchedSector


@dataclass(frozen=True)
class FfdSettings:
    """The settings of the distributions; see `StarFfd.of`."""

    min_completeness: float = 0.5
    upper: float = float("inf")
    assumed_index: float = ASSUMED_INDEX


@dataclass(frozen=True)
class StarOutcome:
    """The distribution of a star, and the files that are not in it.

    Attributes
    ----------
    star : StarFfd or None
        None where no light curve of it can be used.
    rows : StarRows or None
        Its rows of the tables.
    left_out : list of LeftOut
        The sector files that are not in it: half-done, unreadable, or of odd content.
    """

    star: StarFfd | None = None
    rows: StarRows | None = None
    left_out: list[LeftOut] = field(default_factory=list)


def star_outcome(paths: Sequence[Path], settings: FfdSettings = FfdSettings()) -> StarOutcome:
    """Make the distribution of a star, of all its light curves that can be used.

    Parameters
    ----------
    paths : sequence of Path
        Its sector files.
    settings : FfdSettings
    """
    sectors: list[SearchedSector] = []
    left_out: list[LeftOut] = []
    for path in paths:
        sector = isolated(path, partial(SearchedSector.read, path))
        if isinstance(sector, LeftOut):
            left_out.append(sector)
        else:
            sectors.append(sector)
    if not sectors:
        return StarOutcome(left_out=left_out)
    made = _made(sectors, settings)
    if isinstance(made, LeftOut):
        sectors, spoilt = _without_spoilers(sectors, settings, made)
        left_out += spoilt
        made = _made(sectors, settings) if sectors else made
    if isinstance(made, LeftOut):
        return StarOutcome(left_out=left_out)
    return StarOutcome(*made, left_out)


def _made(
    sectors: Sequence[SearchedSector], settings: FfdSettings
) -> tuple[StarFfd, StarRows] | LeftOut:
    """The distribution with all that is made of it, so that no product meets an error in it."""

    def make() -> tuple[StarFfd, StarRows]:
        star = StarFfd.of(
            sectors, settings.min_completeness, settings.upper, settings.assumed_index
        )
        return star, StarRows.of(star)

    return isolated(sectors[0].path, make)


def _without_spoilers(
    sectors: list[SearchedSector], settings: FfdSettings, failure: LeftOut
) -> tuple[list[SearchedSector], list[LeftOut]]:
    """The light curves of which a distribution can be made, and why not of the others.

    Those are left out that fail alone; or the one without which the others do not fail; or all.
    """
    alone = [(sector, _made([sector], settings)) for sector in sectors]
    good = [sector for sector, made in alone if not isinstance(made, LeftOut)]
    spoilt = [made for _, made in alone if isinstance(made, LeftOut)]
    if spoilt and (not good or not isinstance(_made(good, settings), LeftOut)):
        return good, spoilt
    for sector in sectors if len(sectors) > 1 else ():
        others = [other for other in sectors if other is not sector]
        if not isinstance(_made(others, settings), LeftOut):
            return others, [_with_its_star(sector, failure)]
    return [], [_with_its_star(sector, failure) for sector in sectors]


def _with_its_star(sector: SearchedSector, failure: LeftOut) -> LeftOut:
    reason = failure.line.partition(": ")[2]
    return LeftOut(f"{sector.path}: together with the star's other light curves: {reason}")
