"""The real light curves of Kepler and K2 that AltaiPony brings are read as they are."""

import zipfile

import numpy as np
import pytest
from astropy.io import fits

import cvzmpi
from cvzmpi.cvz.light_curves.readers.any_file import read_file

FILES = {
    "kplr010002792-2009259160929_llc.fits": ("KIC", 10002792, 2, 4354),
    "kplr010002792-2010174085026_llc.fits": ("KIC", 10002792, 5, 4634),
    "ktwo211117077-c04_llc.fits": ("EPIC", 211117077, 4, 3470),
}


@pytest.fixture
def real(altaipony_wheel, tmp_path):
    """The path of a real file, by its name."""

    def extracted(name):
        return _extracted(altaipony_wheel, name, tmp_path)

    return extracted


def _extracted(altaipony_wheel, name, tmp_path):
    with zipfile.ZipFile(altaipony_wheel) as archive:
        member = next((m for m in archive.namelist() if m.endswith(f"/{name}")), None)
        if member is None:
            pytest.skip(f"{altaipony_wheel.name} has no {name}")
        (tmp_path / name).write_bytes(archive.read(member))
    return tmp_path / name


@pytest.mark.parametrize("name", FILES)
def test_real_light_curves_of_kepler_are_read(real, name):
    file = real(name)
    catalogue, number, quarter, n = FILES[name]
    light_curve = read_file(file)
    assert light_curve.header["catalogue"] == catalogue
    product = {"KIC": "kepler-1765", "EPIC": "k2-1765"}[catalogue]
    assert (*light_curve.id, light_curve.n_cadences) == (number, quarter, product, n)
    assert light_curve.exposure_seconds == pytest.approx(1765.463, abs=1e-3)
    table = fits.getdata(file)
    known = np.isfinite(light_curve.time)
    assert np.array_equal(light_curve.time[known], table["TIME"][known] - 2167)
    flagged = np.isin(table["SAP_QUALITY"] & 1130799, [0], invert=True)
    assert not light_curve.usable(16575)[flagged].any()
    assert light_curve.usable(16575).mean() > 0.85


def test_a_real_light_curve_of_kepler_goes_from_reading_to_its_file(real, tmp_path):
    found = cvzmpi.search(real("kplr010002792-2009259160929_llc.fits"), progress=False)
    assert repr(found).startswith("<KIC 10002792, quarter 2: ")
    assert len(found.flares) > 5
    written = found.write(tmp_path)
    assert written == tmp_path / "792" / "10002792_2_kepler-1765.h5"
    again = cvzmpi.read(written)
    assert np.array_equal(again.data.flares["peak_time"], found.data.flares["peak_time"])
    assert again.exposure.to_value("s") == pytest.approx(1765.463, abs=1e-3)
    assert np.array_equal(again.data.light_curve.usable(0), found.data.light_curve.usable(0))
