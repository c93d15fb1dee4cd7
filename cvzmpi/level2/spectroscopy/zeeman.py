"""Spectral lines, those of iron at 630 nm, and the splitting of a line by a magnetic field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SPEED_OF_LIGHT = 299792.458
"""km/s."""

LARMOR = 4.66864e-12
"""e / (4 pi m c) in 1 / (nm G): times wavelength squared, the Zeeman splitting for Lande factor 1
(Landi Degl'Innocenti & Landolfi 2004, *Polarization in Spectral Lines*, eq. 3.14)."""


@dataclass(frozen=True)
class Level:
    """An energy level, with its quantum numbers, which are halves or whole numbers."""

    spin: float
    orbital: float
    total: float
    measured_lande: float | None = None
    """Lande factor where it is not that of LS coupling; spin and orbital are not used then."""

    @property
    def lande(self) -> float:
        """Lande factor, in LS coupling by Landi Degl'Innocenti & Landolfi 2004, eq. 3.8."""
        if self.measured_lande is not None:
            return self.measured_lande
        s, l, j = self.spin, self.orbital, self.total  # noqa: E741 - the usual symbol
        if j == 0:
            return 0.0
        return 1 + (j * (j + 1) + s * (s + 1) - l * (l + 1)) / (2 * j * (j + 1))


@dataclass(frozen=True)
class Line:
    """A spectral line."""

    wavelength: float  # in air, nm
    log_gf: float  # logarithm of statistical weight times oscillator strength
    lower: Level
    upper: Level
    excitation: float = 0.0  # of the lower level, eV
    abundance: float = 0.0  # logarithm, relative to the other lines' elements

    @property
    def log_strength(self) -> float:
        """Logarithm of the line's opacity, up to a constant that all lines share.

        By Boltzmann's law at 5040 K, about that of the layers where photospheric lines form: there
        each eV takes a factor of ten.
        """
        return self.log_gf + self.abundance - self.excitation

    @property
    def effective_lande(self) -> float:
        """Lande factor of the line as a whole (Landi Degl'Innocenti & Landolfi 2004, eq. 3.44)."""
        g_lower, g_upper = self.lower.lande, self.upper.lande
        j_lower, j_upper = self.lower.total, self.upper.total
        difference = j_lower * (j_lower + 1) - j_upper * (j_upper + 1)
        return (g_lower + g_upper) / 2 + (g_lower - g_upper) * difference / 4

    def splitting(self) -> float:
        """Shift of a component with Lande factor 1, in pm/G."""
        return LARMOR * self.wavelength**2 * 1e3


FE_I_630 = (
    Line(630.15012, -0.75, Level(2, 1, 2), Level(2, 2, 2)),
    Line(630.24936, -1.236, Level(2, 1, 1), Level(2, 2, 0)),
)
"""Fe I 630.15 nm (5P2 - 5D2) and 630.25 nm (5P1 - 5D0), with the wavelengths and log gf of the line
list of SIR (Ruiz Cobo & del Toro Iniesta 1992, ApJ 398, 375, and its manual). The 0.03 eV between
the lower levels are neglected: the ratio of the strengths is that of gf, 0.327, as in MILOS
(Orozco Suarez & del Toro Iniesta 2007, A&A 462, 1137). In LS coupling it would be 12/35."""

CA_II_854 = Line(854.209, -0.36, Level(0.5, 2, 2.5), Level(0.5, 1, 1.5))
"""Ca II 854.2 nm (2D5/2 - 2P3/2): 8542.09 A; log gf of the NIST Atomic Spectra Database. In LS
coupling its effective Lande factor is 1.10, as in Centeno (2018, ApJ 866, 89)."""


def relative_strengths(lines: Sequence[Line]) -> list[float]:
    """The opacity of each line, relative to that of the strongest."""
    strongest = max(line.log_strength for line in lines)
    return [10 ** (line.log_strength - strongest) for line in lines]


@dataclass(frozen=True)
class Component:
    """A Zeeman component."""

    polarisation: int  # -1 for the blue sigma components, 0 for pi, 1 for the red sigma components
    shift: float  # towards longer wavelengths, in units of the splitting with Lande factor 1
    strength: float  # the strengths of one polarisation sum to 1


def zeeman_pattern(line: Line) -> tuple[Component, ...]:
    """The components of a line (Landi Degl'Innocenti & Landolfi 2004, table 3.1 and eq. 3.16)."""
    components = []
    for polarisation in (-1, 0, 1):
        raw = []
        for m_lower in _sublevels(line.lower.total):
            m_upper = m_lower - polarisation
            strength = _strength(line.lower.total, line.upper.total, m_lower, -polarisation)
            if abs(m_upper) <= line.upper.total and strength > 0:
                shift = line.lower.lande * m_lower - line.upper.lande * m_upper
                raw.append((shift, strength))
        total = sum(strength for _, strength in raw)
        components += [Component(polarisation, shift, s / total) for shift, s in raw]
    return tuple(components)


def _sublevels(total: float) -> list[float]:
    """The magnetic quantum numbers of a level: -J, -J + 1, ..., J."""
    return [-total + number for number in range(round(2 * total) + 1)]


def _strength(j_lower: float, j_upper: float, m: float, step: int) -> float:
    """Unnormalised strength of the transition from `m` to `m + step`."""
    j = j_lower
    if j_upper == j:
        return m**2 if step == 0 else (j - step * m) * (j + step * m + 1) / 2
    if j_upper == j - 1:
        return j**2 - m**2 if step == 0 else (j - step * m) * (j - step * m - 1) / 2
    return (j + 1) ** 2 - m**2 if step == 0 else (j + step * m + 1) * (j + step * m + 2) / 2
