"""A light curve that lightkurve wrote is read as it was; what such a file lacks is one line."""

import warnings

import numpy as np
import pytest

from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.errors import LightCurveError

TIC, SECTOR = 25155310, 1
BITMASK = 16575


@pytest.fixture(scope="module")
def lightkurve():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("lightkurve")


@pytest.fixture
def original(real_file):
    return real_file(TIC, SECTOR)


@pytest.fixture
def opened(lightkurve, original):
    """The light curve as lightkurve reads it, with every cadence that we may use."""
    return lightkurve.read(original, quality_bitmask=BITMASK)


def test_a_round_trip_through_lightkurve_keeps_every_usable_cadence(opened, original, tmp_path):
    opened.to_fits(tmp_path / "lc.fits")
    ours, theirs = read_light_curve(original), read_light_curve(tmp_path / "lc.fits")
    assert theirs.id == ours.id == LightCurveId(TIC, SECTOR)
    assert theirs.exposure == ours.exposure
    usable = ours.usable(BITMASK), theirs.usable(BITMASK)
    assert usable[0].sum() > 10_000
    for column in ("time", "flux", "flux_err", "quality"):
        first, second = getattr(ours, column)[usable[0]], getattr(theirs, column)[usable[1]]
        assert first.dtype == second.dtype
        np.testing.assert_array_equal(first, second)
    assert theirs.header["CAMERA"] == ours.header["CAMERA"]
    assert "flux_unit" not in theirs.header
    assert "written by lightkurve" in theirs.header["input_note"]


def test_it_is_found_in_an_input_directory_and_the_archives_own_is_preferred(
    opened, original, tmp_path
):
    opened.to_fits(tmp_path / "a.fits")
    (source,), rejected = scan_directory(tmp_path)
    assert (source.id, rejected) == (LightCurveId(TIC, SECTOR), [])
    (tmp_path / original.name).write_bytes(original.read_bytes())
    (source,), _ = scan_directory(tmp_path)
    assert source.path.name == original.name


def test_a_changed_flux_is_read_as_it_was_changed(opened, tmp_path):
    flat = opened.remove_nans().flatten()
    flat.to_fits(tmp_path / "flat.fits", flux_column_name="PDCSAP_FLUX")
    light_curve = read_light_curve(tmp_path / "flat.fits")
    np.testing.assert_array_equal(light_curve.flux, np.asarray(flat.flux, dtype=np.float32))
    assert light_curve.header["flux_unit"] == ""
    assert "TESSMAG" not in light_curve.header["input_note"]


def test_times_in_julian_days_are_btjd(opened, tmp_path):
    opened.time.format = "jd"
    opened.to_fits(tmp_path / "jd.fits")
    time = read_light_curve(tmp_path / "jd.fits").time
    assert 1325 < np.nanmin(time) < np.nanmax(time) < 1354


def plain(lightkurve, opened, **parts):
    given = {"time": opened.time, "flux": opened.flux, "flux_err": opened.flux_err}
    return lightkurve.LightCurve(**(given | parts))


def test_without_quality_every_cadence_counts_and_that_is_noted(lightkurve, opened, tmp_path):
    plain(lightkurve, opened).to_fits(tmp_path / "lc.fits", TARGETID=TIC, SECTOR=SECTOR)
    light_curve = read_light_curve(tmp_path / "lc.fits")
    assert light_curve.id == LightCurveId(TIC, SECTOR)
    assert not light_curve.quality.any()
    assert "no quality: every cadence counts as good" in light_curve.header["input_note"]


def test_without_target_and_sector_it_is_one_line_that_says_how(lightkurve, opened, tmp_path):
    plain(lightkurve, opened).to_fits(tmp_path / "lc.fits")
    with pytest.raises(LightCurveError, match=r"without target or sector: .*TARGETID=TIC"):
        read_light_curve(tmp_path / "lc.fits")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lc: lc[::20], r"cadence is 2400 s, expected 15 s to 2000 s"),
        (lambda lc: lc[:1], r"cadence is nan s"),
    ],
)
def test_a_cadence_that_no_product_has_is_one_line(opened, tmp_path, change, message):
    change(opened).to_fits(tmp_path / "lc.fits")
    with pytest.raises(LightCurveError, match=message):
        read_light_curve(tmp_path / "lc.fits")


def test_times_of_kepler_become_btjd_and_that_is_told(lightkurve, opened, tmp_path):
    opened.to_fits(tmp_path / "btjd.fits")
    opened.time.format = "bkjd"
    opened.to_fits(tmp_path / "bkjd.fits")
    btjd, bkjd = (read_light_curve(tmp_path / f"{name}.fits") for name in ("btjd", "bkjd"))
    assert np.allclose(btjd.time, bkjd.time, rtol=0, atol=1e-9, equal_nan=True)
    assert "TIME was counted from BJD 2454833, is BTJD now" in bkjd.header["input_note"]


def test_times_of_an_unknown_zero_are_one_line(lightkurve, opened, tmp_path):
    opened.time.format = "mjd"
    opened.to_fits(tmp_path / "lc.fits")
    with pytest.raises(LightCurveError, match="times in 'mjd', expected 'btjd', 'bkjd' or 'jd'"):
        read_light_curve(tmp_path / "lc.fits")
