"""Rows of intermediate results of the compiled model, in one array, `lanes`.

A few wavelengths are taken at a time, and every row has a number for each of them. The places of
the rows are constants: so the compiler knows that no row overlaps another, and takes as many
wavelengths at once as the processor can.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvzmpi.level2.spectroscopy import milne_eddington as me

# Without any liberty in arithmetic: the bits are those of the order that is written there.
compiled = njit(error_model="numpy")
inlined = njit(inline="always", error_model="numpy")

CHUNK = 16
"""Wavelengths that are taken at a time: what is known of them fits a processor's first cache."""

ROW = CHUNK
DISTANCE = 0
"""From the centre of a line, in Doppler widths."""

SUMS = ROW
"""6 rows: sums over the components of a line."""

PROFILES = SUMS + 6 * ROW
"""10 rows for each polarisation: pairs of absorption and dispersion."""

OPACITIES = PROFILES + 30 * ROW
"""5 rows: eta_I, eta_Q, eta_V, rho_Q, rho_V."""

BY_PARAMETER = OPACITIES + 5 * ROW
"""Their derivatives: 5 rows for each of the parameters `CHANGING`."""

N_CHANGING = 6
CHANGING = np.array(
    [me.LINE_STRENGTH, me.FIELD, me.VELOCITY, me.DOPPLER_WIDTH, me.DAMPING, me.INCLINATION]
)

STOKES = BY_PARAMETER + 5 * N_CHANGING * ROW
"""4 rows: what emerges where the source function has no constant and the gradient 1."""

BY_OPACITY = STOKES + 4 * ROW
"""20 rows: its derivatives by the opacities, those of I first."""

SLOPES = BY_OPACITY + 20 * ROW
"""4 rows: its derivatives by one parameter."""

N_LANES = SLOPES + 4 * ROW
