"""Real light curves of any kind, in a directory that `CVZMPI_LIGHT_CURVES` names, are read.

They are not part of the project. Those of TESS-SPOC that were tried are of TIC 22876651, sectors 42
(600 s) and 58 (200 s), which the repository IvS-Asteroseismology/star_shine has.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.exposure import NOMINAL_SECONDS
from cvzmpi.cvz.light_curves.readers.any_file import read_file

DIRECTORY = os.environ.get("CVZMPI_LIGHT_CURVES")
FILES = sorted(Path(DIRECTORY).glob("*.fits")) if DIRECTORY else []


@pytest.mark.skipif(not FILES, reason="CVZMPI_LIGHT_CURVES names no directory of FITS files")
def test_real_files_are_read_with_the_exposure_that_their_times_have():
    for file in FILES:
        light_curve = read_file(file)
        seconds = light_curve.exposure_seconds
        assert min(abs(seconds / nominal - 1) for nominal in NOMINAL_SECONDS) < 1e-6, file
        steps = np.diff(light_curve.time[np.isfinite(light_curve.time)]) * 86400
        assert np.median(steps) == pytest.approx(seconds, rel=1e-3), file
        header = fits.getheader(file, 1)
        zero = header.get("BJDREFI")
        if zero is not None:
            raw = fits.getdata(file)["TIME"]
            known = np.isfinite(light_curve.time)
            assert np.array_equal(light_curve.time[known], raw[known] + (zero - 2457000)), file
        for key in ("CROWDSAP", "FLFRCSAP"):
            assert light_curve.header.get(key) == header.get(key), file
        assert light_curve.usable(16575).mean() > 0.5, file
