"""`cvzmpi.read`: a sector file, or a campaign."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.errors import ConfigError
from cvzmpi.extras import needs
from cvzmpi.given_path import expanded_argument

if TYPE_CHECKING:
    from cvzmpi.cvz.results.views.campaign import Campaign


def chosen_search(name: str | None, default: Search = DEFAULT_SEARCH) -> Search:
    """The search of this name, or the default.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if name is None:
        return default
    try:
        return Search(name)
    except ValueError:
        known = ", ".join(Search)
        raise ConfigError(f"search = {name!r}: expected one of {known}") from None


def read(path: str | os.PathLike[str], search: str | None = None) -> SectorFile | Campaign:
    """Read what a campaign, or `SectorFile.write`, left: one light curve, or all of them.

    Parameters
    ----------
    path : path-like
        A sector file, done or not; or the output directory of a campaign, or the directory `index`
        in it, which `cvzmpi index` makes.
    search : str, optional
        Of a sector file, the search whose flares, completeness and time are meant: `stella`,
        `significance`, `either` or `both`; by default that which `detect.search` has by default.
        Files of format version 1 have only stella's. A campaign is of the search of its index.

    Returns
    -------
    SectorFile or Campaign

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable or not a sector file.
    ConfigError
        If the directory is no campaign, or has no index yet.
    MissingPackageError
        If it is a directory, and there is no pyarrow.
    """
    path = expanded_argument(path)
    if not path.is_dir():
        return SectorFile.read(path, chosen_search(search))
    if search is not None:
        raise ConfigError(
            f"{path}: a campaign is of the search of its index: "
            f"`cvzmpi index --search {chosen_search(search)} {path}` makes it anew"
        )
    # The tables need a package that sector files do without.
    with needs(what="cvzmpi.read of a directory"):
        from cvzmpi.cvz.results.views.campaign import Campaign
    return Campaign.read(path)
