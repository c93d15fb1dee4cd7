"""The machine: what it is, and how many floating point operations a core of it can do."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tools.bench.measuring.cores import AVAILABLE

_SIZE = 2048
_PACKAGES = ("cvzmpi", "numpy", "scipy", "h5py", "mpi4py", "celerite2")


class SgemmPeak:
    """The highest rate of single-precision matrix products that this core reached in this run.

    Measured again and again between the other measurements: the best of all is the limit.
    """

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._a, self._b = rng.random((2, _SIZE, _SIZE), dtype=np.float32)
        self._product = np.empty_like(self._a)
        np.matmul(self._a, self._b, out=self._product)  # threads and buffers are made once
        self.rates: list[float] = []

    def measure(self, repeats: int = 3) -> None:
        """Do some more products."""
        for _ in range(repeats):
            start = time.perf_counter()
            np.matmul(self._a, self._b, out=self._product)
            self.rates.append(2 * _SIZE**3 / (time.perf_counter() - start))

    @property
    def flops(self) -> float:
        """Operations per second."""
        return max(self.rates)

    def text(self) -> str:
        """The rates, as a fact about the machine."""
        return (
            f"{self.flops / 1e9:.0f} GFLOP/s at best, {min(self.rates) / 1e9:.0f} at worst, in "
            f"{len(self.rates)} products between the measurements"
        )


def facts() -> dict[str, str]:
    """The machine and the versions that figures depend on, without names of hosts or paths."""
    return {
        "processor": f"{processor()}, {len(AVAILABLE)} cores used",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"{platform.system()}, Python {platform.python_version()}",
        "matrix products": _blas(),
        "MPI": _mpi(),
        "versions": ", ".join(f"{name} {version(name)}" for name in _PACKAGES),
        "date": time.strftime("%Y-%m-%d"),
    }


def processor() -> str:
    """The name that the system gives the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _blas() -> str:
    """The BLAS that NumPy uses, and the kernel that it chose."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
        return f"{blas['name']} {blas['version']}"
    for library in threadpool_info():
        if library["user_api"] == "blas" and "numpy" in library["filepath"]:
            kernel = library.get("architecture", "kernel unknown")
            return (
                f"{library['internal_api']} {library['version']}, {kernel}, "
                f"{library['num_threads']} thread; OPENBLAS_CORETYPE of the environment is left "
                "out: cvzmpi chooses the kernel"
            )
    return "unknown"


def _mpi() -> str:
    from mpi4py import MPI  # which loads MPI itself

    return ", ".join(MPI.Get_library_version().strip("\0").splitlines()[0].split(",")[:1])
