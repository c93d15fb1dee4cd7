"""The frame of the field's azimuth in Level 2.

The spectra do not know the Sun's axes: they give the azimuth relative to the frame of the Stokes
parameters, from the direction of positive Q towards that of positive U. The Level 1 data of ViSP
are in the frame that SDO/HMI and Hinode/SP use, in which positive Q is perpendicular to the Sun's
central meridian, and negative Q parallel to it (DKIST documentation of ViSP, "L1 Coordinate
System": https://docs.dkist.nso.edu/projects/visp/en/stable/science_calibration.html; the frame is
drawn in Ichimoto et al. 2008, Sol. Phys. 249, 233). It does not turn with the slit: the angle
between slit and frame is in the PCi_j of the world coordinates.

Level 1 data calibrated before April 2023 were in another frame, which changed during the day; DKIST
has calibrated them anew (https://nso.atlassian.net/wiki/spaces/DDCHD/pages/1959985377).
"""

from __future__ import annotations

AZIMUTH_FRAME = (
    "Azimuth: the angle of the transverse field from the direction of +Q to that of +U of the "
    "Level 1 Stokes parameters. 0 degrees is along helioprojective longitude (+HPLN, solar west, "
    "perpendicular to the central meridian), 90 degrees along helioprojective latitude (+HPLT, "
    "solar north): counterclockwise as the observer sees the Sun, north up and west to the right."
)
"""The zero and the sense of the azimuth, for people who use the product."""
