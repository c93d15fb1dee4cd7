"""The real light curves of Kepler and K2 that AltaiPony brings are read as they are."""

import zipfile

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.readers.any_file import read_file

FILES = {
    "kplr010002792-2009259160929_llc.fits": ("KIC", 10002792, 2, 4354),
    "kplr010002792-2010174085026_llc.fits": ("KIC", 10002792, 5, 4634),
    "ktwo211117077-c04_llc.fits": ("EPIC", 211117077, 4, 3470),
}


@pytest.mark.parametrize("name", FILES)
def test_real_light_curves_of_kepler_are_read(altaipony_wheel, tmp_path, name):
    with zipfile.ZipFile(altaipony_wheel) as archive:
        member = next((m for m in archive.namelist() if m.endswith(f"/{name}")), None)
        if member is None:
            pytest.skip(f"{altaipony_wheel.name} has no {name}")
        (tmp_path / name).write_bytes(archive.read(member))
    catalogue, number, quarter, n = FILES[name]
    light_curve = read_file(tmp_path / name)
    assert light_curve.header["catalogue"] == catalogue
    assert (*light_curve.id, light_curve.n_cadences) == (number, quarter, n)
    assert light_curve.exposure_seconds == pytest.approx(1765.463, abs=1e-3)
    table = fits.getdata(tmp_path / name)
    known = np.isfinite(light_curve.time)
    assert np.array_equal(light_curve.time[known], table["TIME"][known] - 2167)
    flagged = np.isin(table["SAP_QUALITY"] & 1130799, [0], invert=True)
    assert not light_curve.usable(16575)[flagged].any()
    assert light_curve.usable(16575).mean() > 0.85
