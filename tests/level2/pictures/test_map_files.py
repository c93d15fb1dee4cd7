"""What pictures take from the files of maps."""

import numpy as np
import pytest

from cvzmpi.level2.pictures.map_files import continuum_of


def test_the_continuum_is_beside_the_lines_of_a_table():
    wavelength = np.linspace(617.2, 617.5, 301)
    mask = continuum_of(wavelength, [617.334])
    assert wavelength[~mask].min() == pytest.approx(617.294, abs=2e-3)
    assert wavelength[~mask].max() == pytest.approx(617.374, abs=2e-3)
