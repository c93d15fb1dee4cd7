"""cvzmpi: MPI-parallel bulk processing of astronomical campaigns on preemptible cluster queues.

As a library: `search` and `inject` work on one light curve in memory, `read` reads what a campaign
left. Importing the package does no work and loads none of MPI, HDF5, astropy or matplotlib; what is
named here is loaded when it is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cvzmpi.cvz.in_memory.search import inject, search
    from cvzmpi.cvz.results.views.campaign import Campaign
    from cvzmpi.cvz.results.views.reading import read
    from cvzmpi.cvz.results.views.sector_file import SectorFile

__version__ = "0.1.0"
__all__ = ["Campaign", "SectorFile", "inject", "read", "search"]

_PLACES = {
    "Campaign": "cvzmpi.cvz.results.views.campaign:Campaign",
    "SectorFile": "cvzmpi.cvz.results.views.sector_file:SectorFile",
    "inject": "cvzmpi.cvz.in_memory.search:inject",
    "read": "cvzmpi.cvz.results.views.reading:read",
    "search": "cvzmpi.cvz.in_memory.search:search",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if "numpy" not in sys.modules:
        # The answers are those of a campaign to the last bit where NumPy has its kernels too.
        from cvzmpi.mpi.launch import choose_blas_kernels

        choose_blas_kernels()
    module, _, attribute = _PLACES[name].partition(":")
    globals()[name] = getattr(import_module(module), attribute)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
