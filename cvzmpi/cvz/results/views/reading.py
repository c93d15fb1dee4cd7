"""`cvzmpi.read`: a sector file, or a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.results.views.sector_file import SectorFile
from cvzmpi.errors import ConfigError
from cvzmpi.extras import needs

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


def read(path: Path, search: str | None = None) -> SectorFile | Campaign:
    """Read results: see `cvzmpi.read`."""
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
