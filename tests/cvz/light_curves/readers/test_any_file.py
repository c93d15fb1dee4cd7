"""Light curves of every kind are read with their exposure, times, quality bits and flux unit."""

import importlib.metadata

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Column, Table
from astropy.time import Time
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.light_curves.exposure import EXPOSURE
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers import any_file
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.light_curves.readers.reader import KEPLER_QUALITY
from cvzmpi.errors import LightCurveError
from tests.cvz.light_curves.readers import made_files
from tests.cvz.light_curves.readers.made_files import LONG, SHORT, N, bits

DEFAULT = 16575


def unusable(light_curve):
    """The rows that the default bitmask leaves out."""
    return np.flatnonzero(~light_curve.usable(DEFAULT)).tolist()


# ------------------------------------------------------- SPOC and TESS-SPOC


@pytest.mark.parametrize(
    ("seconds", "product"),
    [(20, "spoc"), (120, None), (200, "tess-spoc"), (600, "tess-spoc"), (1800, "tess-spoc")],
)
def test_light_curves_of_spoc_say_their_exposure_and_product(tmp_path, seconds, product):
    light_curve = read_file(made_files.spoc(tmp_path / "lc.fits", seconds))
    assert light_curve.exposure == seconds / 86400
    assert light_curve.header.get("product") == product
    assert light_curve.id == LightCurveId(261136679, 27, f"{product or 'spoc'}-{seconds}")
    assert light_curve.time[0] == 2036.3
    assert (light_curve.header["CROWDSAP"], light_curve.header["FLFRCSAP"]) == (0.87, 0.91)
    assert "flux_unit" not in light_curve.header


def test_of_spoc_the_configuration_chooses_the_quality_bits(tmp_path):
    file = made_files.spoc(tmp_path / "lc.fits", 1800, bits(0, 9, 12, 14))
    light_curve = read_file(file)
    assert unusable(light_curve) == [10, 13]
    assert np.flatnonzero(~light_curve.usable(1 << 12)).tolist() == [12]


def test_an_exposure_that_none_of_the_products_has_is_one_line(tmp_path):
    path = made_files.spoc(tmp_path / "lc.fits", 60)
    with pytest.raises(
        LightCurveError, match=r"lc.fits: cadence is 60 s, expected 20 s, 120 s, .* or 1800 s$"
    ):
        read_file(path)


@pytest.mark.parametrize("make", [made_files.spoc, made_files.qlp])
def test_a_header_of_another_exposure_than_that_of_the_times_is_one_line(tmp_path, make):
    """Read by its header, nine rows of ten would be empty."""
    sector = (24,) if make is made_files.qlp else ()
    path = make(tmp_path / "lc.fits", *sector, 1800, TIMEDEL=200 / 86400)
    with pytest.raises(
        LightCurveError, match=r"lc.fits: cadence is 200 s by TIMEDEL, 1800 s by its times$"
    ):
        read_file(path)


def test_times_that_are_not_tdb_are_one_line(tmp_path):
    path = made_files.spoc(tmp_path / "lc.fits", 1800, TIMESYS="UTC")
    with pytest.raises(LightCurveError, match=r"lc.fits: TIMESYS = 'UTC', expected 'TDB'"):
        read_file(path)


# --------------------------------------------------------------------- QLP


@pytest.mark.parametrize("seconds", [200, 600, 1800])
@pytest.mark.parametrize("says", [True, False])
def test_qlp_is_normalised_and_its_exposure_is_that_of_its_times(tmp_path, seconds, says):
    cards = {} if says else {"TIMEDEL": None}
    light_curve = read_file(made_files.qlp(tmp_path / "lc.fits", 11, seconds, **cards))
    assert light_curve.exposure == pytest.approx(seconds / 86400, rel=1e-12)
    assert light_curve.header["product"] == "qlp"
    assert light_curve.header["flux_unit"] == ""
    assert np.median(light_curve.flux) == pytest.approx(1, abs=1e-3)
    assert "input_note" not in light_curve.header  # the flux is not compared with the magnitude


@pytest.mark.parametrize(("sector", "low_precision"), [(11, 12), (55, 12), (56, 30), (70, 30)])
def test_qlp_has_a_quality_bit_of_its_own(tmp_path, sector, low_precision):
    file = made_files.qlp(
        tmp_path / "lc.fits", sector, 200, bits(low_precision, 5, 9, 42 - low_precision)
    )
    light_curve = read_file(file)
    assert unusable(light_curve) == [10, 11]
    assert light_curve.quality[10] == 1 << low_precision


# ----------------------------------------------------------- Kepler and K2


@pytest.mark.parametrize("exposure", [SHORT, LONG])
def test_kepler_is_read_with_its_own_quality_bits_and_times_in_btjd(tmp_path, exposure):
    quality = bits(0, 7, 9, 11, 13, 16, 20)
    light_curve = read_file(made_files.kepler(tmp_path / "lc.fits", exposure, quality))
    assert light_curve.exposure == pytest.approx(exposure, rel=1e-6)
    assert light_curve.time[0] == pytest.approx(169.5 - 2167, abs=1e-9)
    assert "TIME was counted from BJD 2454833, is BTJD now" in light_curve.header["input_note"]
    assert unusable(light_curve) == [10, 15, 16]  # not: cosmic ray, impulsive outlier
    assert light_curve.id == (10002792, 2, f"kepler-{exposure * 86400:.0f}")
    assert light_curve.header["catalogue"] == "KIC"
    assert light_curve.header["CROWDSAP"] == 0.8321


def test_k2_is_read_with_its_campaign(tmp_path):
    light_curve = read_file(made_files.kepler(tmp_path / "lc.fits", mission="K2"))
    assert light_curve.id == (211117077, 4, "k2-1765")
    assert light_curve.header["catalogue"] == "EPIC"


def test_early_files_of_kepler_are_told_to_have_utc(tmp_path):
    file = made_files.kepler(tmp_path / "lc.fits", primary={"FILEVER": "4.0"})
    assert "its times are UTC" in read_file(file).header["input_note"]


def test_kepler_without_a_quarter_is_one_line(tmp_path):
    path = made_files.kepler(tmp_path / "lc.fits", primary={"QUARTER": "two"})
    with pytest.raises(LightCurveError, match="KEPLERID = 10002792, QUARTER = 'two': not a Kepler"):
        read_file(path)


def test_the_bits_are_those_that_lightkurve_calls_useless():
    flags = pytest.importorskip("lightkurve").utils.KeplerQualityFlags
    assert flags.DEFAULT_BITMASK == KEPLER_QUALITY


# ------------------------------------------------------------------ tables


@pytest.fixture
def table():
    rng = np.random.default_rng(2)
    time = 2000 + np.arange(N) * 600 / 86400
    quality = np.zeros(N, int)
    quality[5] = 1
    return Table(
        {"time": time, "flux": rng.normal(1, 1e-3, N), "flux_err": np.full(N, 1e-3)}
        | {"quality": quality}
    )


@pytest.mark.parametrize("form", ["ascii.csv", "ascii.ecsv", "parquet"])
def test_tables_are_read_with_the_usual_names(tmp_path, table, form):
    suffix = form.removeprefix("ascii.")
    path = tmp_path / f"261136679_4.{suffix}"
    table.write(path, format=form)
    light_curve = read_file(path)
    assert light_curve.exposure == 600 / 86400
    assert light_curve.id == (261136679, 4, "table-600")
    assert np.array_equal(light_curve.time, table["time"])
    assert unusable(light_curve) == [5]
    assert light_curve.header["product"] == "table"
    assert light_curve.header["input_file"] == path.name


def test_columns_of_other_names_are_named(tmp_path, table):
    table["time"] += 2457000 - 2400000.5
    for old, new in (("time", "t"), ("flux", "rate"), ("flux_err", "sigma")):
        table.rename_column(old, new)
    path = tmp_path / "star.csv"
    table.write(path, format="ascii.csv")
    names = {"time": "t", "flux": "rate", "flux_err": "sigma", "time_format": "mjd"}
    light_curve = read_file(path, names)
    assert light_curve.time[0] == pytest.approx(2000, abs=1e-8)
    assert light_curve.id == (0, 0, "table-600")
    with pytest.raises(
        LightCurveError, match=r"star.csv: no column for the time; there are t, rat"
    ):
        read_file(path)
    with pytest.raises(LightCurveError, match=r"no column 'T' \(input.columns.time\)"):
        read_file(path, names | {"time": "T"})
    with pytest.raises(
        LightCurveError, match=r"input.columns.time_format = 'days', expected one of"
    ):
        read_file(path, names | {"time_format": "days"})
    with pytest.raises(LightCurveError, match=r"input.columns has 'fluks', expected cadence, flux"):
        read_file(path, names | {"fluks": "rate"})


def test_a_time_series_of_astropy_says_its_times_itself(tmp_path, table):
    time = Time(np.asarray(table["time"]), 2457000, format="jd", scale="tdb")
    series = TimeSeries(
        time=time,
        data={"flux": table["flux"]},
    )
    series.meta["TICID"], series.meta["SECTOR"] = 7, 3
    series.write(tmp_path / "lc.ecsv", format="ascii.ecsv")
    light_curve = read_file(tmp_path / "lc.ecsv")
    assert np.allclose(light_curve.time, table["time"], rtol=0, atol=1e-9)
    assert light_curve.id == (7, 3, "table-600")
    assert "no flux errors: estimated" in light_curve.header["input_note"]


@pytest.mark.parametrize(
    ("column", "values", "chosen", "message"),
    [
        ("time", ["now"] * N, {}, "time: expected one number for each cadence"),
        ("time", ["now"] * N, {"time_format": "bkjd"}, "column time: expected one number in"),
        ("cadenceno", ["first"] * N, {}, "column cadenceno: expected one number in each row"),
        ("time", Column(np.arange(N), unit="BTJD"), {}, "time: The unit 'BTJD' is unrecognized"),
    ],
)
def test_columns_of_no_numbers_are_one_line(tmp_path, table, column, values, chosen, message):
    table[column] = values
    table.write(tmp_path / "lc.ecsv")
    with pytest.raises(LightCurveError, match=rf"lc.ecsv: {message}"):
        read_file(tmp_path / "lc.ecsv", chosen)


def test_what_is_no_table_is_one_line(tmp_path):
    path = tmp_path / "lc.parquet"
    path.write_text("no")
    with pytest.raises(LightCurveError, match=r"lc.parquet: cannot be read as a table: "):
        read_file(path)


# ----------------------------------------------------------------- readers


class OnePoint:
    """A reader of somebody else."""

    def recognises(self, file):
        return file.path.suffix == ".dat"

    def read(self, file):
        time = np.array([2000.0, 2000.0 + EXPOSURE])
        flux = np.ones(2, np.float32)
        return LightCurve(5, 6, time, flux, flux, np.zeros(2, np.int32), EXPOSURE)


def test_a_reader_of_another_package_is_an_entry_point(tmp_path, monkeypatch):
    entry = importlib.metadata.EntryPoint("one-point", f"{__name__}:one_point", any_file.GROUP)
    monkeypatch.setattr(any_file, "entry_points", lambda group: [entry])
    monkeypatch.setattr(type(entry), "load", lambda self: OnePoint())
    any_file.others.cache_clear()
    try:
        (tmp_path / "lc.dat").write_text("")
        assert read_file(tmp_path / "lc.dat").id == LightCurveId(5, 6)
        (tmp_path / "lc.txt").write_text("nothing")
        with pytest.raises(LightCurveError, match=r"lc.txt: not a FITS file"):
            read_file(tmp_path / "lc.txt")
    finally:
        any_file.others.cache_clear()


def test_another_package_reads_fits_files_that_name_a_star_and_have_other_columns(
    tmp_path, monkeypatch
):
    path = made_files.spoc(tmp_path / "lc.fits", 1800)
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["TTYPE2"] = "CAL_PSF_FLUX"
    monkeypatch.setattr(OnePoint, "recognises", lambda self, file: file.is_fits)
    monkeypatch.setattr(any_file, "others", lambda: (OnePoint(),))
    assert read_file(path).id == LightCurveId(5, 6)
    monkeypatch.setattr(any_file, "others", tuple)
    with pytest.raises(LightCurveError, match="not a TESS-SPOC light curve: no column PDCSAP_FLUX"):
        read_file(path)


@pytest.mark.parametrize("says", [True, False])
def test_a_directory_of_a_campaign_takes_no_other_product(tmp_path, says):
    cards = {} if says else {"TIMEDEL": None}
    spoc = made_files.spoc(tmp_path / "a.fits", 120)
    made_files.qlp(tmp_path / "b.fits", 27, 1800, **cards)
    made_files.kepler(tmp_path / "c.fits")
    sources, rejected = scan_directory(tmp_path)
    assert [source.path for source in sources] == [spoc]
    assert [file.name for file in rejected] == ["b.fits", "c.fits"]
    assert [file.message.partition(": ")[2] for file in rejected] == [
        f"a light curve of {product}, expected spoc-120 (input.products)"
        for product in ("qlp-1800", "kepler-1765")
    ]


def test_a_fits_file_of_no_kind_says_what_it_should_be(tmp_path):
    fits.PrimaryHDU().writeto(tmp_path / "lc.fits")
    with pytest.raises(LightCurveError, match=r"lc.fits: TICID = None, SECTOR = None: not a TESS"):
        read_file(tmp_path / "lc.fits")
