"""MPI, where a library of it can be loaded; importing this initialises it."""

from __future__ import annotations

WHY_NOT: Exception | None = None
"""The reason why MPI cannot be loaded; None where it can."""

try:
    from mpi4py import MPI
except (ImportError, RuntimeError) as error:  # mpi4py raises either, by how it was built
    MPI = None  # type: ignore[assignment]
    WHY_NOT = error

__all__ = ["MPI", "WHY_NOT"]
