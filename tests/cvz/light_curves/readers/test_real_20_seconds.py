"""AU Mic at 20 s, a real light curve in a table, from reading to the report; also summed to 120 s.

In a directory that `CVZMPI_LIGHT_CURVES` names, or below, as the wheel of flarenet20 0.1.1 holds
it; see `docs/input.md`. It is no part of the project.
"""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from scipy.stats import chi2

import cvzmpi
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.results.index.place import table_path
from tools.harness.job_process import run

NAME, PREDICTIONS = "441420236_27_data.csv", "TIC 441420236_27_predictions.csv"


def _file(name):
    directory = os.environ.get("CVZMPI_LIGHT_CURVES")
    return next(Path(directory).rglob(name), None) if directory else None


pytestmark = pytest.mark.skipif(
    _file(NAME) is None, reason=f"CVZMPI_LIGHT_CURVES names no directory with {NAME} (flarenet20)"
)

WITHOUT_PARTICLES = {"light_curve.quality_bitmask": 16575 | 64}
"""The table has the hits of particles in it that SPOC takes off and marks with the bit 2^6."""


def _summed(table):
    """Cadences of 120 s: the mean of what is left of six, at least four, without particles."""
    table = table[(np.asarray(table["quality"]) & 64) == 0]
    time = np.asarray(table["time"])
    steps = np.rint(np.diff(time) * 86400 / 20).astype(int)
    place = np.concatenate([[0], np.cumsum(steps)])
    number, first, n = np.unique(place // 6, return_index=True, return_counts=True)

    def mean(values):
        return np.add.reduceat(np.asarray(values, float), first) / n

    middle = mean(time) + (6 * number + 2.5 - mean(place)) * 20 / 86400
    error = np.sqrt(mean(np.asarray(table["flux_err"]) ** 2) / n)
    quality = np.bitwise_or.reduceat(np.asarray(table["quality"]), first)
    columns = {"time": middle, "flux": mean(table["flux"]), "flux_err": error, "quality": quality}
    return Table(columns)[n >= 4]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """The file under the name that says star and sector."""
    path = tmp_path_factory.mktemp("au_mic") / "441420236_27.csv"
    return Path(shutil.copyfile(_file(NAME), path))


@pytest.fixture(scope="module")
def fine(given):
    return cvzmpi.search(given, settings=WITHOUT_PARTICLES)


@pytest.fixture(scope="module")
def summed(given):
    path = given.parent / "summed" / given.name
    path.parent.mkdir()
    _summed(Table.read(given)).write(path)
    return cvzmpi.search(path, settings=WITHOUT_PARTICLES)


def test_the_table_is_read_as_a_light_curve_of_20_s(given):
    light_curve = read_file(given)
    assert light_curve.id == LightCurveId(441420236, 27, "table-20")
    assert np.isfinite(light_curve.time).sum() == 100_736
    assert light_curve.n_cadences > 104_000  # with the rows of the gaps
    assert light_curve.usable(16575).sum() == 100_736
    assert light_curve.usable(16575 | 64).sum() == 100_736 - 933  # `cr_flags` in the table


def test_flares_that_another_network_is_sure_of_are_found(fine):
    """Those of flarenet at 0.99: `flare_flags` of the table are of injected flares, and all 0."""
    said = Table.read(_file(PREDICTIONS))
    time, sure = np.asarray(said["time"]), np.asarray(said["model_prediction"]) > 0.99
    rows = np.flatnonzero(sure)
    events = np.split(rows, np.flatnonzero(np.diff(rows) > 15) + 1)
    start, stop = (fine.flares[name].tdb.jd - 2457000 for name in ("start_time", "stop_time"))
    found = [
        bool(np.any((start <= time[rows[-1]] + 1e-3) & (stop >= time[rows[0]] - 1e-3)))
        for rows in events
    ]
    assert len(found) == 21
    assert sum(found) >= 18


def test_rates_at_20_s_and_summed_to_120_s_agree_within_their_intervals(fine, summed):
    """Of flares of more than 5 s, of which every one is above the noise; 95 % intervals."""
    low, high = [], []
    for found in (fine, summed):
        n = int(np.sum(found.flares["equivalent_duration"].to_value("s") > 5))
        days = found.search_time().searched
        low.append(chi2.ppf(0.025, 2 * n) / 2 / days)
        high.append(chi2.ppf(0.975, 2 * (n + 1)) / 2 / days)
    assert max(low) <= min(high)


def test_it_goes_to_the_report(fine, tmp_path):
    (tmp_path / "output").mkdir()
    fine.write(tmp_path / "output")
    assert run(["index", tmp_path / "output"]).status == 0
    path = table_path(tmp_path / "output" / "index", "light_curves")
    (row,) = pq.read_table(path).to_pylist()
    assert (row["tic"], row["sector"], row["product"]) == (441420236, 27, "table-20")
    report = tmp_path / "report"
    assert run(["report", tmp_path / "output", "--output", report]).status == 0
    assert (report / "index.html").exists()
