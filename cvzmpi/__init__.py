"""cvzmpi: MPI-parallel bulk processing of astronomical campaigns.

Importing the package does no work and loads none of MPI, HDF5, astropy or matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from cvzmpi.cvz.results.products.astropy_view import SectorFile

__version__ = "0.1.0"


def read(path: str | PathLike[str], search: str | None = None) -> SectorFile:
    """Read a sector file, done or not: light curve, flares, injections, completeness.

    Parameters
    ----------
    path : path-like
    search : str, optional
        The search whose flares, completeness and time are meant: `stella`, `significance`, `either`
        or `both`; by default that which `detect.search` has by default. Files of format version 1
        have only stella's.

    Returns
    -------
    SectorFile

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable or not a sector file.
    """
    from pathlib import Path

    from cvzmpi.cvz.detection.search import Search
    from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
    from cvzmpi.cvz.results.products.astropy_view import SectorFile

    chosen = DEFAULT_SEARCH if search is None else Search(search)
    return SectorFile.read(Path(path), chosen)
