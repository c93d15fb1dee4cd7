"""The Voigt functions against SciPy's."""

import numpy as np
import pytest
from scipy.special import wofz

from cvzmpi.level2.spectroscopy.voigt import voigt_faraday


@pytest.mark.parametrize("damping", [0, 1e-4, 0.05, 0.5, 3])
def test_the_error_is_what_the_module_says(damping):
    v = np.concatenate([np.linspace(-6, 6, 5001), np.linspace(-200, 200, 5001)])
    absorption, dispersion = voigt_faraday(v, np.full_like(v, damping))
    exact = wofz(v + 1j * damping)
    error = np.abs(absorption + 1j * dispersion - exact)
    assert error.max() < 4e-9
    assert (error / np.abs(exact)).max() < 2e-8


def test_without_damping_it_is_a_gaussian():
    v = np.linspace(-4, 4, 81)
    assert voigt_faraday(v, np.zeros(81))[0] == pytest.approx(np.exp(-(v**2)), abs=4e-9)
