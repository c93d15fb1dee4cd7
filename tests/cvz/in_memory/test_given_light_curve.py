"""The forms in which a light curve can be given, and what each of them becomes."""

import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.time import Time, TimeDelta
from astropy.timeseries import TimeSeries
from astropy.utils.masked import Masked

from cvzmpi.cvz.in_memory.given_light_curve import as_light_curve
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.errors import ConfigError, LightCurveError
from tests.main_job import simulate

COLUMNS = ("time", "flux", "flux_err", "quality")
N = 1200


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("input"), 1)[0]


@pytest.fixture(scope="module")
def of_file(path):
    return read_light_curve(path)


@pytest.fixture(scope="module")
def table(path):
    """The columns of the file as they are."""
    with fits.open(path) as hdus:
        return Table(hdus[1].data)


@pytest.fixture
def plain():
    """Time in BTJD, flux and error."""
    rng = np.random.default_rng(5)
    return 2000 + np.arange(N) / 720, rng.normal(1000, 2, N), np.full(N, 2.0)


def given(*arguments, **more):
    return as_light_curve(
        arguments if len(arguments) > 1 else arguments[0], more.get("tic"), more.get("sector")
    )


def same(ours, theirs, rows=slice(None), columns=COLUMNS):
    for name in columns:
        one, other = getattr(ours, name), getattr(theirs, name)[rows]
        assert one.dtype == other.dtype
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), name
    return True


# ----------------------------------------------------------------- the same to the last bit


def test_columns_of_a_file_are_those_of_the_file(of_file, table):
    columns = ("time", "flux", "flux_err")
    arrays = [table[name] for name in ("TIME", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR")]
    assert same(given(*arrays), of_file, columns=columns)
    assert same(given(*map(np.asarray, arrays)), of_file, columns=columns)
    assert same(given(*map(list, arrays)), of_file, columns=columns)
    days, flux, error = map(np.asarray, arrays)
    in_units = (days * u.d, flux * u.electron / u.s, error * u.electron / u.s)
    assert same(given(*in_units), of_file, columns=columns)


def series_of(path, table, rows, names=("flux", "flux_err")):
    """A time series as astropy's and lightkurve's readers make them, of some rows of a file."""
    part = table[rows]
    series = TimeSeries(time=btjd(np.asarray(part["TIME"], "f8")))
    for name, column in zip(names, ("PDCSAP_FLUX", "PDCSAP_FLUX_ERR"), strict=True):
        series[name] = np.asarray(part[column], "f4") * u.electron / u.s
    series["quality"] = np.asarray(part["QUALITY"], "i4")
    series["cadenceno"] = np.asarray(part["CADENCENO"], "i4")
    with fits.open(path) as hdus:
        series.meta.update({**hdus[1].header, **hdus[0].header})
    return series


def btjd(days):
    return Time(np.full(len(days), 2457000.0), days, format="jd", scale="tdb")


def timed(table):
    """The rows that have a time."""
    return np.flatnonzero(np.isfinite(np.asarray(table["TIME"], "f8")))


@pytest.mark.parametrize("names", [("flux", "flux_err"), ("pdcsap_flux", "pdcsap_flux_err")])
def test_a_time_series_is_as_the_file_with_its_star(path, table, of_file, names):
    rows = timed(table)
    ours = given(series_of(path, table, rows, names))
    whole = slice(rows[0], rows[-1] + 1)
    assert same(ours, of_file, whole, ("time", "flux", "flux_err"))
    assert (ours.tic, ours.sector) == (of_file.tic, of_file.sector)
    of_star = {k: v for k, v in of_file.header.items() if not k.startswith("input_")}
    of_star["flux_origin"] = "pdcsap_flux" if "pdcsap_flux" in names else "unknown"
    assert {k: v for k, v in ours.header.items() if k != "input_note"} == of_star


@pytest.mark.parametrize("numbered", [True, False])
def test_rows_that_were_left_out_are_restored_where_they_were(path, table, of_file, numbered):
    left_out = np.random.default_rng(2).random(len(table)) < 0.2
    left_out[200:500] = True
    rows = np.setdiff1d(timed(table), np.flatnonzero(left_out))
    series = series_of(path, table, rows)
    if not numbered:
        series.remove_column("cadenceno")
    ours = given(series)
    restored = np.full(of_file.n_cadences, np.nan, np.float32)
    restored[rows] = of_file.flux[rows]
    assert np.array_equal(ours.flux, restored[rows[0] : rows[-1] + 1], equal_nan=True)
    assert np.isnan(ours.time[200 - rows[0]])
    assert "cadences are missing: rows without values are there" in ours.header["input_note"]


def test_numbers_of_cadences_that_contradict_the_times_are_not_believed(path, table):
    series = series_of(path, table, timed(table))
    expected = given(series).n_cadences
    series["cadenceno"] = np.arange(len(series)) * 1000
    assert given(series).n_cadences == expected


def test_what_lightkurve_left_out_is_told(path, table):
    series = series_of(path, table, timed(table))
    series.meta["QUALITY_BITMASK"] = "default"
    assert "quality_bitmask='none' keeps them" in given(series).header["input_note"]
    series.meta["QUALITY_BITMASK"] = "none"
    assert "quality_bitmask" not in given(series).header.get("input_note", "")


def test_a_campaign_of_k2_is_longer_than_a_sector_also_where_tess_observed():
    time = 988.7 + np.arange(4300) * 0.0204336  # 88 days
    flux = np.random.default_rng(5).normal(1000, 2, len(time))
    series = TimeSeries(time=btjd(time), data={"flux": flux, "flux_err": np.full(len(time), 2.0)})
    series.meta.update(MISSION="K2", CAMPAIGN=15, TARGETID=249631677)
    assert np.array_equal(given(series).time, time)


@pytest.mark.parametrize(("row", "wild"), [(-1, 1e12), (600, -5.0)])
def test_a_time_that_cannot_be_of_the_sector_is_left_out_and_makes_no_rows(plain, row, wild):
    time = plain[0].copy()
    time[row] = wild
    ours = given(time, *plain[1:])
    assert ours.n_cadences in (N - 1, N)
    assert np.isfinite(ours.time).sum() == N - 1
    assert "1 cadence with a time outside of the sector left out" in ours.header["input_note"]


# ----------------------------------------------------------------- times


def times(days):
    """The same times in many forms, and how well each knows them, in days."""
    at = btjd(days)
    utc = at.utc
    return {
        "BTJD": (days, 0),
        "JD": (days + 2457000, 5e-10),
        "days": (days * u.d, 0),
        "seconds": ((days * u.d).to(u.s), 1e-12),
        "Time": (at, 0),
        "TT": (at.tt, 1e-13),
        "UTC": (utc, 1e-13),
        "MJD": (Time(at.mjd, format="mjd", scale="tdb"), 1e-11),
        "ISO": (Time(utc.isot, format="isot", scale="utc"), 1e-8),
        "column": (MaskedColumn(days, mask=np.zeros(len(days), bool)), 0),
    }


@pytest.mark.parametrize("form", times(np.array([1.0])))
def test_times_of_any_kind_are_btjd(plain, form):
    time, flux, error = plain
    converted, precision = times(time)[form]
    ours = given(converted, flux, error)
    assert np.abs(ours.time - time).max() <= precision


@pytest.mark.parametrize("form", ["BTJD", "seconds", "Time"])
def test_masked_times_are_none(plain, form):
    time, flux, error = plain
    mask = np.zeros(N, bool)
    mask[7] = True
    masked = {
        "BTJD": np.ma.masked_array(time, mask),
        "seconds": Masked((time * u.d).to(u.s), mask),
        "Time": btjd(time),
    }[form]
    if form == "Time":
        masked[7] = np.ma.masked
    ours = given(masked, flux, error)
    assert np.flatnonzero(np.isnan(ours.time)).tolist() == [7]


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (np.arange(N)[::-1] / 720 + 2000, "the time at row 1 is not after the one before"),
        (np.repeat(np.arange(N // 2), 2) / 720 + 2000, "row 1 is not after .*expected times in or"),
        (np.arange(N) * 10 / 86400 + 2000, "cadence is 10 s, expected 15 s to 2000 s"),
        (np.arange(N) * 3600 / 86400 + 2000, "cadence is 3600 s, expected 15 s to 2000 s"),
        (
            np.cumsum(1.0 + np.arange(N) % 5) / 720 + 2000,
            "of its steps in time are not .* the median: expected",
        ),
        (
            np.arange(N) / 720 + 58000,
            "time is 58000.8, expected BTJD .* or JD; .* astropy Time",
        ),
        (np.arange(N) / 720 * u.m, "time: 'm' .* and 'd' .* are not convertible"),
        (TimeDelta(np.arange(N) / 720 * u.d), "differences or phases, expected times"),
        (np.full(N, "yesterday"), "time: expected one number for each cadence, not str"),
    ],
)
def test_times_that_are_none_are_one_clear_error(plain, time, message):
    with pytest.raises(LightCurveError, match=f"light curve: .*{message}"):
        given(time, *plain[1:])


# ----------------------------------------------------------------- fluxes


@pytest.mark.parametrize("kind", ["numpy", "column", "quantity"])
def test_masked_fluxes_are_not_used(plain, kind):
    time, flux, error = plain
    mask = np.zeros(N, bool)
    mask[[3, 9]] = True
    masked = {
        "numpy": np.ma.masked_array(flux, mask),
        "column": MaskedColumn(flux, mask=mask),
        "quantity": Masked(flux * u.electron / u.s, mask),
    }[kind]
    ours = given(time, masked, error)
    assert np.flatnonzero(~ours.usable(0)).tolist() == [3, 9]


def test_an_error_in_another_unit_is_converted(plain):
    time, flux, error = plain
    ours = given(time, flux * u.electron / u.s, error * u.electron / u.min)
    assert ours.flux_err[0] == pytest.approx(2 / 60)
    with pytest.raises(LightCurveError, match=r"flux error: .* not convertible"):
        given(time, flux * u.electron / u.s, error * u.d)


def test_a_flux_of_another_unit_keeps_it(plain):
    time, flux, error = plain
    assert given(time, flux / 1000, error / 1000).header["flux_unit"] == ""
    assert given(time, flux * u.mJy, error * u.mJy).header["flux_unit"] == "mJy"
    assert "flux_unit" not in given(time, flux * u.electron / u.s, error).header


@pytest.mark.parametrize("error", [None, np.full(N, np.nan)])
def test_errors_that_are_missing_are_estimated_from_the_noise(plain, error):
    time, flux, _ = plain
    flux = flux + 50 * np.sin(time)
    flux[500] += 1000  # no flare matters
    ours = given(time, flux, error) if error is not None else given(time, flux)
    assert np.unique(ours.flux_err).size == 1
    assert ours.flux_err[0] == pytest.approx(2.0, rel=0.1)
    assert ours.header["input_note"].startswith("no flux errors: estimated from the differences")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, f, e: (t, f[:-1], e), "time, flux and error differ in length: 1200, 1199, 1200"),
        (lambda t, f, e: (t, f > 0, e), "flux: expected one number for each cadence, not bool"),
        (lambda t, f, e: (t, f.reshape(-1, 2), e), r"flux: .*not float64 of shape \(600, 2\)"),
        (lambda t, f, e: (t, np.ones(N)), "no noise to estimate them from"),
        (lambda t, f, e: (t[:0], f[:0], e[:0]), "it has no cadence"),
    ],
)
def test_columns_that_are_no_fluxes_are_one_clear_error(plain, change, message):
    with pytest.raises(LightCurveError, match=f"light curve: .*{message}"):
        given(*change(*plain))


# ----------------------------------------------------------------- which light curve


@pytest.mark.parametrize(
    ("meta", "identity"),
    [
        ({"TICID": 5, "TARGETID": 6, "SECTOR": 7}, (5, 7)),
        ({"TARGETID": np.int64(6), "SECTOR": 7}, (6, 7)),
        ({"tic": 6, "sector": 7}, (6, 7)),
        ({"TIC": "6", "SECTOR": None}, (0, 0)),
        ({"TARGETID": -1, "SECTOR": True}, (0, 0)),
        ({}, (0, 0)),
    ],
)
def test_star_and_sector_are_those_that_it_says_if_any(plain, meta, identity):
    series = TimeSeries(time=btjd(plain[0]), data={"flux": plain[1]}, meta=meta)
    ours = given(series)
    assert (ours.tic, ours.sector) == identity
    named = given(series, tic=11, sector=12)
    assert (named.tic, named.sector) == (11, 12)


def test_the_first_quarter_of_kepler_is_0_and_no_sector_of_tess_is(plain):
    early = btjd(plain[0] - 1500)
    for mission, sector in (("TESS", 0), ("Kepler", -1), ("Kepler", True)):
        series = TimeSeries(time=early, data={"flux": plain[1]}, meta={"MISSION": mission})
        with pytest.raises(ConfigError, match=f"sector = {sector}: expected a whole number"):
            given(series, sector=sector)
    first = given(series, tic=11, sector=0).id
    assert (first.catalogue, first.part) == ("KIC", "quarter 0")


def test_what_is_no_light_curve_is_one_clear_error(plain):
    with pytest.raises(LightCurveError, match="no column flux; there are brightness, time"):
        given(TimeSeries(time=btjd(plain[0]), data={"brightness": plain[1]}))
    for thing in (5, plain[0], {"time": plain[0]}, plain[:1]):
        with pytest.raises(LightCurveError, match="expected the path of a file, a light"):
            as_light_curve(thing, None, None)


def test_a_light_curve_that_lightkurve_made_of_a_file_is_that_of_the_file(path, table, of_file):
    lightkurve = pytest.importorskip("lightkurve")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = lightkurve.read(path, quality_bitmask="none")
    rows = timed(table)
    ours = given(read)
    assert same(ours, of_file, slice(rows[0], rows[-1] + 1), ("time", "flux", "flux_err"))
    assert (ours.tic, ours.sector) == (of_file.tic, of_file.sector)
    assert np.array_equal(ours.usable(16575), of_file.usable(16575)[rows[0] : rows[-1] + 1])
