"""Marks of tests that run under mpirun."""

import pytest

mpi = pytest.mark.mpi(min_size=2)

one_or_all = pytest.mark.parametrize("kind", ["one", pytest.param("all", marks=mpi)])
"""A test of one rank in the serial run, and of all ranks under mpirun."""
