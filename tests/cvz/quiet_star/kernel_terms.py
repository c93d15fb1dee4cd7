"""Kernels as celerite2's own terms, and their parameters."""

import numpy as np
from celerite2 import terms

THETA = {
    "rotation": np.log([1.3, 2.1, 0.4, 1.7, 0.6]),
    "two_sho": np.log([1.3, 2.1, 0.7, 0.5, 0.3]),
}


TERMS = {
    "rotation": terms.RotationTerm(sigma=1.3, period=2.1, Q0=0.4, dQ=1.7, f=0.6),
    "two_sho": terms.TermSum(
        # The period that one sees is longer than that of the undamped oscillator.
        terms.SHOTerm(sigma=1.3, rho=2.1 * np.sqrt(1 - 1 / (4 * 1.2**2)), Q=1.2),
        terms.SHOTerm(sigma=0.5, rho=0.3, Q=1 / np.sqrt(2)),
    ),
}
