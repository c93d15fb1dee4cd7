"""Where the result of a search is written, where the light curve says which it is."""

import numpy as np
import pytest
from astropy.time import Time
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.in_memory.given_light_curve import as_light_curve
from cvzmpi.cvz.sector_file.write_content import place_for
from cvzmpi.errors import SectorFileError


@pytest.fixture
def light_curve():
    """A light curve of Kepler in long cadence, with further facts about it."""
    rng = np.random.default_rng(5)
    time = Time(2454953.5 + np.arange(400) * 1765.4629 / 86400, format="jd", scale="tdb")

    def light_curve(sector=None, **meta):
        meta = {"MISSION": "Kepler", "KEPLERID": 11, **meta}
        series = TimeSeries(time=time, data={"flux": rng.normal(1000, 2, 400)}, meta=meta)
        return as_light_curve(series, 11, sector)

    return light_curve


def test_a_directory_takes_the_first_quarter_and_none_that_nobody_says(light_curve, tmp_path):
    name = light_curve(QUARTER=0).id.name
    assert name.startswith("11_0_kepler-")
    for first in (light_curve(QUARTER=np.int64(0)), light_curve(CAMPAIGN=0), light_curve(0)):
        assert place_for(first, tmp_path, False) == tmp_path / "011" / f"{name}.h5"
    with pytest.raises(SectorFileError, match="says no KIC number and quarter: name the file"):
        place_for(light_curve(), tmp_path, False)
