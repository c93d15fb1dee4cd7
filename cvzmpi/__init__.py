"""cvzmpi: MPI-parallel bulk processing of astronomical campaigns on preemptible cluster queues.

Importing the package does no work and loads none of MPI, HDF5, astropy or matplotlib.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from cvzmpi.cvz.in_memory.given_light_curve import GivenLightCurve
    from cvzmpi.cvz.results.views.campaign import Campaign
    from cvzmpi.cvz.results.views.sector_file import SectorFile

__version__ = "0.1.0"
__all__ = ["inject", "read", "search"]


def search(
    light_curve: GivenLightCurve,
    *,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Search one light curve for flares, in memory and in this process.

    The networks and the search by significance see it as in a campaign, so the answers are those of
    a campaign with the same settings. `cvzmpi.inject` goes on from what is returned.

    Parameters
    ----------
    light_curve : path-like
        A light curve of 2 minutes' exposure: the FITS file of the SPOC pipeline.
    tic, sector : int, optional
        TIC number and sector, where the light curve does not say them, or others are meant. What is
        drawn at random depends on them.
    search : str, optional
        The search whose flares, completeness and time are shown: `significance` (by default),
        `stella`, `either` or `both`. Both are always made.
    settings : mapping, optional
        Settings by dotted key as in `cvzmpi.toml`, as `{"detect.threshold": 0.6}`.
    progress : bool, optional
        Whether to show a bar once it has taken two seconds; by default on a terminal and in a
        notebook.

    Returns
    -------
    SectorFile
        What `cvzmpi.read` returns of a sector file; nothing was injected yet.

    Raises
    ------
    LightCurveError
        If it cannot be read or searched, as one of another exposure.
    ConfigError
        If a setting is unknown or wrong.
    """
    _choose_kernels()
    from cvzmpi.cvz.in_memory.search import search as search_light_curve

    return search_light_curve(
        light_curve, tic=tic, sector=sector, search=search, settings=settings, progress=progress
    )


def inject(
    light_curve: GivenLightCurve | SectorFile,
    *,
    n_inject: int | None = None,
    n_repeat: int | None = None,
    tic: int | None = None,
    sector: int | None = None,
    search: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> SectorFile:
    """Inject flares into one light curve and search for them, in memory and in this process.

    Parameters
    ----------
    light_curve : SectorFile, or as of `cvzmpi.search`
        What `cvzmpi.search` returned, which is gone on from without searching again; or a light
        curve, which is searched first.
    n_inject : int, optional
        Flares, 2000 by default.
    n_repeat : int, optional
        Places at which each is tried, 10 by default.
    tic, sector, search, settings, progress
        As of `cvzmpi.search`; of a search that was made, `settings` may change `inject` only.

    Returns
    -------
    SectorFile

    Raises
    ------
    LightCurveError
        If the light curve cannot be read or searched.
    ConfigError
        If a setting is unknown or wrong, or the search was made with another value of it.
    """
    _choose_kernels()
    from cvzmpi.cvz.in_memory.search import inject as inject_into_light_curve

    return inject_into_light_curve(
        light_curve,
        n_inject=n_inject,
        n_repeat=n_repeat,
        tic=tic,
        sector=sector,
        search=search,
        settings=settings,
        progress=progress,
    )


def read(path: str | PathLike[str], search: str | None = None) -> SectorFile | Campaign:
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
    """
    from pathlib import Path

    from cvzmpi.cvz.results.views.reading import read as read_results

    return read_results(Path(path).expanduser(), search)


def _choose_kernels() -> None:
    """Compute with the kernels of a campaign where NumPy is not loaded yet."""
    if "numpy" not in sys.modules:
        from cvzmpi.mpi.launch import choose_blas_kernels

        choose_blas_kernels()
