"""`cvzmpi.read`: a sector file as astropy's and lightkurve's objects, at every checkpoint."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
from astropy import units as u

import cvzmpi
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.results.views.tess_light_curve import tess_light_curve
from cvzmpi.errors import SectorFileError
from tests.cvz.example_file import EXPOSURE, SECTOR, TIC, write_example
from tools.harness.job_process import environment


@pytest.fixture
def path(tmp_path):
    return write_example(tmp_path / "1.h5")


def test_the_light_curve_is_the_files_with_units(path):
    series = cvzmpi.read(str(path)).time_series
    with h5py.File(path) as file:
        lc = {name: dataset[()] for name, dataset in file["lc"].items()}
    btjd = (series.time.jd1 - 2457000.0) + series.time.jd2
    assert btjd == pytest.approx(lc["time"], abs=1e-12, rel=0)
    for name in ("flux", "flux_err", "gp_mu", "gp_sigma"):
        assert series[name].unit == u.electron / u.s
        assert np.array_equal(series[name].value, lc[name][series["row"]], equal_nan=True)
    assert np.array_equal(series["flare_mask"], lc["flare_mask"])
    assert (series.meta["tic"], series.meta["sector"], series.meta["TEFF"]) == (TIC, SECTOR, 3210)


def test_lightkurve_gets_a_tess_light_curve_in_btjd(path):
    file = cvzmpi.read(path)
    curve = file.light_curve()
    assert type(curve).__name__ == "TessLightCurve"
    assert (curve.time.format, curve.time.scale) == ("btjd", "tdb")
    measured = file.data.light_curve
    rows = np.isfinite(measured.time)
    np.testing.assert_allclose(curve.time.value, measured.time[rows], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(curve.flux.value, measured.flux[rows])
    np.testing.assert_array_equal(curve.quality, measured.quality[rows])
    assert curve.flux.unit == curve.flux_err.unit == u.electron / u.s
    assert (curve.sector, curve.targetid, curve.meta["TICID"]) == (SECTOR, TIC, TIC)
    assert (curve.label, curve.mission) == (f"TIC {TIC}", "TESS")
    assert curve.meta["TESSMAG"] == file.header["TESSMAG"]
    assert len(curve.remove_nans()) < len(curve)
    assert {"flare_probability", "gp_mu", "row"} <= set(curve.columns)


def test_of_kepler_lightkurve_is_told_mission_and_quarter(path):
    series = cvzmpi.read(path).time_series
    series.meta["catalogue"] = "KIC"
    meta = tess_light_curve(series).meta
    assert (meta["LABEL"], meta["MISSION"], meta["QUARTER"]) == (f"KIC {TIC}", "Kepler", SECTOR)
    assert not {"TICID", "SECTOR"} & set(meta)


def test_the_methods_of_lightkurve_work_on_it(path, tmp_path):
    curve = cvzmpi.read(path).light_curve()
    flat = curve.remove_nans().flatten(window_length=101)
    assert np.nanmedian(flat.flux.value) == pytest.approx(1, abs=0.01)
    periodogram = curve.to_periodogram(minimum_period=0.1, maximum_period=2)
    assert periodogram.period_at_max_power.unit == u.day
    assert 0 < len(curve.bin(time_bin_size=30 * u.min)) < len(curve)
    assert curve.plot().get_xlabel().startswith("Time - 2457000")
    assert len(curve.truncate(curve.time.value[100], curve.time.value[200])) > 50
    curve.to_fits(tmp_path / "lc.fits")
    again = read_light_curve(tmp_path / "lc.fits")
    assert (again.tic, again.sector) == (TIC, SECTOR)
    np.testing.assert_array_equal(again.flux, curve.flux.value)


def test_flares_and_injections_are_tables_with_units(path):
    file = cvzmpi.read(path)
    assert file.flares["equivalent_duration"].unit == u.s
    assert len(file.flares) == 2
    assert np.array_equal(file.flares["peak"], [400, 1900])
    assert file.injections["fwhm"].unit == u.d
    assert file.injections["recovered"].shape == (300, 4)
    assert file.injections["time"].shape == (300, 4)
    with h5py.File(path) as opened:
        assert np.array_equal(file.injections["recovered"], opened["recoveries/recovered"])
    assert file.exposure.to_value(u.d) == pytest.approx(EXPOSURE)
    assert file.config["detect.threshold"] == 0.5
    assert file.done


def test_a_half_done_file_shows_what_is_done(tmp_path):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", n_done=80))
    assert not file.done
    assert (file.n_inject, file.n_inject_remaining) == (300, 220)
    assert len(file.injections) == 80
    assert repr(file).endswith(": checkpoint model, 80 of 300 flares injected>")


def test_a_finished_file_says_that_it_is_done(tmp_path):
    file = cvzmpi.read(write_example(tmp_path / "1.h5"))
    assert repr(file).endswith(": done, 300 of 300 flares injected>")


def test_before_the_model_there_are_no_flares_and_no_completeness(tmp_path):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", model=False))
    assert "gp_mu" not in file.time_series.colnames
    assert len(file.flares) == len(file.injections) == 0
    with pytest.raises(SectorFileError, match="no flares were injected yet"):
        file.completeness_curve()


def test_what_is_no_sector_file_is_one_line_that_names_it(tmp_path):
    with pytest.raises(SectorFileError, match=r"nothing\.h5: no such sector file"):
        cvzmpi.read(tmp_path / "nothing.h5")


def test_it_works_without_mpi_and_with_a_serial_h5py(path, tmp_path):
    """In a notebook on a laptop: h5py as pip has it, and no mpi4py at all."""
    packages = tmp_path / "serial"
    install = ["--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(packages)]
    pip = [sys.executable, "-m", "pip", "install", *install, "h5py==3.16.0"]
    if subprocess.run(pip, capture_output=True, check=False).returncode:
        pytest.skip("pip cannot fetch the serial h5py")
    code = (
        "import sys\nsys.modules['mpi4py'] = None\n"
        "import cvzmpi, h5py\nassert not h5py.get_config().mpi\n"
        f"file = cvzmpi.read({str(path)!r})\n"
        "limit = file.completeness_curve().limit(0.5)\n"
        "print(len(file.time_series), len(file.flares), limit.value > 0)"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment(PYTHONPATH=str(packages)),
    )
    assert outcome.stdout.split() == ["2600", "2", "True"]
