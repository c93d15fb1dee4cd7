"""Energies are written with powers of ten."""

import pytest

from cvzmpi.cvz.results.report.energy_in_words import energy_in_words


@pytest.mark.parametrize(
    ("energy", "words"),
    [
        (1e33, "10³³ erg"),
        (2.5e32, "2.5×10³² erg"),
        (9.999e32, "10³³ erg"),
        (1.2345e31, "1.23×10³¹ erg"),
        (2e-5, "2×10⁻⁵ erg"),
    ],
)
def test_an_energy_has_three_digits_at_most(energy, words):
    assert energy_in_words(energy) == words
