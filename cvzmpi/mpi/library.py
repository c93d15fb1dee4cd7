"""MPI, loaded and initialised when it is first asked for.

A process that is alone needs none: `World.alone` and `Team.alone` do without.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cvzmpi.errors import one_line

if TYPE_CHECKING:
    from mpi4py import MPI

__all__ = ["MPI", "NoMpiError", "keep_mpi_from_starting", "mpi"]


class NoMpiError(Exception):
    """There is no MPI here; says why, and what to do about it."""


def mpi() -> Any:
    """Give the module `mpi4py.MPI`; the first call initialises MPI.

    Raises
    ------
    NoMpiError
        If mpi4py is not installed, or finds no MPI library.
    """
    try:
        from mpi4py import MPI
    except ModuleNotFoundError as error:
        if error.name != "mpi4py":
            raise
        raise NoMpiError(
            'mpi4py is not installed: pip install "cvzmpi[mpi]" brings it, with an MPI'
        ) from error
    except (ImportError, RuntimeError) as error:  # mpi4py raises either, by how it was built
        raise NoMpiError(
            f"no MPI library can be loaded ({one_line(error)}): load the MPI that cvzmpi was set "
            "up with, as with `module load openmpi`, set it up anew with the one that is here "
            '(`make setup`), or let pip bring one: pip install "cvzmpi[mpi]"'
        ) from error
    return MPI


def keep_mpi_from_starting() -> None:
    """From now on, who imports MPI, as an h5py with parallel HDF5, does not initialise it."""
    with suppress(ModuleNotFoundError):
        import mpi4py

        mpi4py.rc(initialize=False, finalize=False)
