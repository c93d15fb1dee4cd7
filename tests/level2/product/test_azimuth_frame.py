"""The azimuth in the product is counted from +Q to +U of Level 1, along the field, not across."""

import numpy as np
import pytest

from cvzmpi.level2.inversion.inversion_file import AZIMUTH_NOTE
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.product.azimuth_frame import AZIMUTH_FRAME
from cvzmpi.level2.product.inverted_map_source import notes_of
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630

WAVELENGTH = 630.075 + 0.0013 * np.arange(192)
CENTRE = np.argmin(np.abs(WAVELENGTH - 630.25))
WING = CENTRE + 9  # some 12 pm from the centre: about where a field of 2500 G shifts the line


def transverse_field(azimuth):
    """Stokes profiles of a field across the line of sight: shape (1, 4, n_wavelengths)."""
    p = np.zeros((1, me.N_PARAMETERS))
    p[:, me.FIELD], p[:, me.INCLINATION], p[:, me.AZIMUTH] = 2500, np.pi / 2, np.radians(azimuth)
    p[:, me.DOPPLER_WIDTH], p[:, me.DAMPING], p[:, me.LINE_STRENGTH] = 2.8, 0.3, 12
    p[:, me.SOURCE_CONSTANT], p[:, me.SOURCE_GRADIENT], p[:, me.FILLING_FACTOR] = 0.3, 0.7, 1
    return MilneEddington(WAVELENGTH).stokes(p)


def azimuth_of(stokes):
    """The azimuth that the inversion finds, in degrees."""
    found = invert(MilneEddington(WAVELENGTH), stokes, InversionSettings())
    return np.degrees(found.parameters[0, me.AZIMUTH])


def test_light_is_absorbed_along_the_field_at_the_centre_of_the_line_and_across_it_in_the_wings():
    # The pi component of the Zeeman effect vibrates along a transverse field, the sigma components
    # across it: a line in absorption lacks that light.
    _, q, u, _ = transverse_field(azimuth=0)[0]
    assert q[CENTRE] < -0.01
    assert q[WING] > 0.01
    assert np.abs(u).max() < 1e-12


@pytest.mark.parametrize("azimuth", [0.0, 20.0, 45.0, 90.0, 135.0, 170.0])
def test_polarisation_that_is_turned_from_q_to_u_turns_the_azimuth_as_far(azimuth):
    along_q = transverse_field(azimuth=0)
    turn = np.radians(azimuth)
    turned = along_q.copy()
    turned[:, 1] = np.cos(2 * turn) * along_q[:, 1] - np.sin(2 * turn) * along_q[:, 2]
    turned[:, 2] = np.sin(2 * turn) * along_q[:, 1] + np.cos(2 * turn) * along_q[:, 2]
    away = (azimuth_of(turned) - azimuth + 90) % 180 - 90
    assert abs(away) < 0.01


def test_opposite_fields_look_the_same():
    assert transverse_field(30) == pytest.approx(transverse_field(210), abs=1e-12)


def test_the_product_states_the_frame_and_what_is_ambiguous():
    assert {AZIMUTH_FRAME, AZIMUTH_NOTE} <= set(notes_of(attempt=None, coupled=False))
    for word in ("+Q", "+U", "+HPLN", "+HPLT", "counterclockwise"):
        assert word in AZIMUTH_FRAME
    assert "modulo 180 degrees" in AZIMUTH_NOTE


def test_the_product_says_which_lines_were_inverted():
    assert "of Fe I 630.15 and 630.25 nm:" in notes_of(attempt=None, coupled=False)[0]
    one = notes_of(attempt=None, coupled=False, lines=FE_I_630[1:])
    assert "of the lines at 630.25 nm:" in one[0]
