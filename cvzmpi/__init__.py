"""cvzmpi: MPI-parallel bulk processing of astronomical campaigns.

Importing the package does no work and loads none of MPI, HDF5, astropy or matplotlib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from cvzmpi.cvz.results.products.astropy_view import SectorFile

__version__ = "0.1.0"


def read(path: str | PathLike[str]) -> SectorFile:
    """Read a sector file, done or not: light curve, flares, injections, completeness.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    SectorFile

    Raises
    ------
    SectorFileError
        If there is no such file, or it is unreadable or not a sector file.
    """
    from pathlib import Path

    from cvzmpi.cvz.results.products.astropy_view import SectorFile

    return SectorFile.read(Path(path))
