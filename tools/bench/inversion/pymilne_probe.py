"""Inverts profiles with pyMilne, in the interpreter that it was built for.

Started as a script by `tools.bench.inversion.pymilne`; imports nothing of this project.

Arguments: the directory of pyMilne, a file with what to do, a file for what was found (both .npz).
"""

import sys
import time

import numpy as np

sys.path.insert(0, sys.argv[1])
import MilneEddington
import pyMilne

_WINDOW = 200.0  # km/s; about each line, in which its profile is computed: all wavelengths
_START = np.array([1000.0, 1.0, 1.0, 0.01, 0.02, 20.0, 0.1, 0.2, 0.7])  # of its Hinode example
_ITERATIONS = 40


class SameLines(MilneEddington.MilneEddington):
    """pyMilne with the given lines, instead of those of its own table."""

    def _initLine(self, label, anomalous, dw, precision):  # noqa: N802 - its name
        j1, j2, g1, g2, cw, gf = label
        return pyMilne.pyLines(
            j1=j1, j2=j2, g1=g1, g2=g2, cw=cw, gf=gf, anomalous=anomalous, dw=_WINDOW
        )


def main() -> None:
    """Invert, and write parameters, chi squared and processor time."""
    task = np.load(sys.argv[2])
    inverter = SameLines([[task["wavelength"], None]], task["lines"].tolist(), nthreads=1)
    observed = np.ascontiguousarray(task["stokes"][np.newaxis])
    start = inverter.repeat_model(_START, 1, observed.shape[1])
    began = time.process_time()
    parameters, _, chi_squared = inverter.invert(
        start, observed, task["sigma"], nRandom=int(task["n_starts"]), nIter=_ITERATIONS
    )
    cpu = time.process_time() - began
    np.savez(sys.argv[3], parameters=parameters[0], chi_squared=chi_squared[0], cpu=cpu)


if __name__ == "__main__":
    main()
