"""Machine code that is made once and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from numba import njit


def compiled_and_kept(function: Callable[..., None]) -> Callable[..., None]:
    """Compile a function with numba, and keep its machine code on disk.

    numba sees by itself that the file of the function has changed, but not that one of a function
    which it calls has. Arithmetic has no liberty: the bits are those of the order that is written.
    """
    try:
        return njit(function, cache=True, error_model="numpy")
    except RuntimeError:  # there is no directory for the machine code: each process makes its own
        return njit(function, error_model="numpy")


def checksum_of(*modules: ModuleType) -> str:
    """The checksum of the sources of some modules, for machine code that is made of them all."""
    sources = (Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(b"".join(sources)).hexdigest()
