"""Simulated files of QLP are as real ones, and what is odd about real ones is read right."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.chosen_products import ALL_PRODUCTS
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.light_curves.readers.reader import (
    QLP_LOW_PRECISION,
    QLP_LOW_PRECISION_SINCE_56,
    QLP_TGLC,
)
from cvzmpi.cvz.simulation.other_exposures import with_exposure
from cvzmpi.cvz.simulation.qlp_fits import write_qlp_fits
from cvzmpi.cvz.simulation.simulate import simulate_light_curve
from cvzmpi.errors import ConfigError, DamagedLightCurveError, LightCurveError
from tests.cvz.light_curves.readers import made_files, qlp_layout
from tests.cvz.light_curves.readers.made_files import bits

PAGE = Path(__file__).parents[4] / "docs" / "input.md"
OF_FORM = {"XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS"}
OF_FORM |= {f"T{word}{n}" for word in ("TYPE", "FORM", "UNIT") for n in range(1, 15)}


def _simulated(path, sector):
    seconds = 200 if sector >= 56 else 1800
    light_curve, _ = simulate_light_curve(9_000_000_001, sector, seed=3, n_cadences=2000)
    write_qlp_fits(path, with_exposure(light_curve, seconds, seed=3))
    return path


@pytest.mark.parametrize("sector", [24, 56])
def test_simulated_files_have_columns_and_keywords_of_real_ones(tmp_path, sector):
    """Those of `made_files` are built from the same lists, and so cannot differ from them."""
    new = sector >= 56
    with fits.open(_simulated(tmp_path / "llc.fits", sector)) as hdus:
        columns = [(c.name, c.format, c.unit) for c in hdus[1].columns]
        assert columns == (qlp_layout.COLUMNS_SINCE_56 if new else qlp_layout.COLUMNS)
        for hdu, real in (
            (hdus[0], qlp_layout.PRIMARY_SINCE_56 if new else qlp_layout.PRIMARY),
            (hdus[1], qlp_layout.TABLE_SINCE_56 if new else qlp_layout.TABLE),
        ):
            found = {key: type(value) for key, value in hdu.header.items() if key not in OF_FORM}
            found.pop("SIMDATA", None)
            assert found == {key: kind for key, kind in real.items() if key not in OF_FORM}
        assert np.isfinite(hdus[1].data["TIME"]).all()
        assert len(np.unique(hdus[1].data[columns[4][0]])) == 1  # the error


@pytest.mark.parametrize("sector", [24, 56])
def test_a_place_that_is_not_known_is_left_out_of_made_files(tmp_path, sector):
    light_curve, _ = simulate_light_curve(9_000_000_001, sector, seed=3, n_cadences=2000)
    known = {k: v for k, v in light_curve.header.items() if k not in ("RA_OBJ", "DEC_OBJ")}
    light_curve = replace(with_exposure(light_curve, 1800, seed=3), header=known)
    write_qlp_fits(tmp_path / "llc.fits", light_curve)
    with fits.open(tmp_path / "llc.fits") as hdus:
        assert not {"RA_OBJ", "DEC_OBJ", "RA_ORIG"} & {*hdus[0].header, *hdus[1].header}
    assert read_file(tmp_path / "llc.fits").n_cadences > 100


def test_a_light_curve_without_times_makes_no_file(tmp_path):
    light_curve, _ = simulate_light_curve(9_000_000_001, 24, seed=3, n_cadences=100)
    without = replace(light_curve, time=np.full(100, np.nan))
    with pytest.raises(ConfigError, match="no cadence has time"):
        write_qlp_fits(tmp_path / "llc.fits", without)


def test_errors_that_are_all_nan_are_estimated_with_one_line(tmp_path):
    """As in the files of sectors 56 and 59 in `qlp_layout`."""
    path = made_files.qlp(tmp_path / "llc.fits", 56, 200)
    expected = float(read_file(path).flux_err[0])  # of the made noise
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["DET_FLUX_ERR"] = np.nan
        hdus[1].data["SAP_FLUX"][5] = np.nan
    light_curve = read_file(path)
    assert light_curve.header["input_note"] == (
        "no flux errors: estimated from the differences of neighbouring cadences"
    )
    assert np.flatnonzero(~light_curve.usable(0)).tolist() == [5]
    assert len(np.unique(light_curve.flux_err[np.isfinite(light_curve.flux_err)])) == 1
    assert light_curve.flux_err[0] == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize("all_excluded", [False, True])
def test_errors_are_estimated_of_the_cadences_that_are_used(tmp_path, all_excluded):
    """Two thirds are of scattered light; where nothing else is there, they are what counts."""
    path = made_files.qlp(tmp_path / "llc.fits", 56, 200)
    with fits.open(path, mode="update") as hdus:
        table = hdus[1].data
        table["DET_FLUX_ERR"] = np.nan
        expected = np.std(table["SAP_FLUX"])
        scattered = slice(200, None)
        if all_excluded:
            table["QUALITY"] = 1 << 29
            scattered, expected = slice(None), 0.5
        table["QUALITY"][scattered] = 1 << 29
        n = len(table["TIME"][scattered])
        table["SAP_FLUX"][scattered] = np.random.default_rng(1).normal(1, 0.5, n)
    assert read_file(path).flux_err[0] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("errors", [1e-3, np.nan])
def test_rows_that_were_never_written_are_damage_also_without_errors(tmp_path, errors):
    path = made_files.qlp(tmp_path / "llc.fits", 56, 200)
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["DET_FLUX_ERR"] = errors
        for name in ("TIME", "SAP_FLUX", "DET_FLUX_ERR"):
            hdus[1].data[name][400:] = 0
    with pytest.raises(DamagedLightCurveError, match=r"200 rows hold zeros only, .* row 400"):
        read_file(path)


def test_what_qlp_does_not_know_of_a_star_is_no_fact_and_no_fault(tmp_path):
    light_curve = read_file(made_files.qlp(tmp_path / "llc.fits", 56, 200))
    assert not {"TEFF", "LOGG", "MH", "RADIUS"} & set(light_curve.header)
    assert light_curve.header["TICVER"] == 8.2
    assert "input_note" not in light_curve.header


def test_the_fraction_of_the_zero_is_not_ignored_under_the_name_that_qlp_gives_it(tmp_path):
    path = made_files.qlp(tmp_path / "llc.fits", 24, 1800)
    whole = read_file(path)
    fits.setval(path, "BJDREFR", value=0.25, ext=1)
    np.testing.assert_allclose(read_file(path).time, whole.time + 0.25)
    fits.setval(path, "BJDREFR", value="abc", ext=1)
    with pytest.raises(LightCurveError, match="BJDREFI = 2457000, BJDREFR = 'abc': expected"):
        read_file(path)


@pytest.mark.parametrize(
    ("sector", "excluded", "used"),
    [(24, (2, 5, 12), (11, 29, 30)), (56, (2, 5, 7, 29, 30), (11, 12))],
)
def test_the_quality_bits_of_real_files_exclude_what_they_say(tmp_path, sector, excluded, used):
    """2^11 and 2^12 of SPOC's are stray light, which SPOC itself leaves in."""
    quality = bits(*excluded, *used)
    light_curve = read_file(made_files.qlp(tmp_path / "llc.fits", sector, 1800, quality))
    places = 10 + np.arange(len(excluded))
    assert np.flatnonzero(~light_curve.usable(0)).tolist() == places.tolist()
    real = qlp_layout.BITS_SINCE_56 if sector >= 56 else qlp_layout.BITS
    assert set(real) <= {*excluded, *used}


def test_the_page_on_input_names_the_bits_as_powers_of_2_like_the_numbers_in_files():
    lines = PAGE.read_text().splitlines()
    (line,) = (line for line in lines if line.startswith("| QLP") and "SAP_FLUX" in line)
    named = {2 ** int(power) for power in re.findall(r"2\^(\d+)", line)}
    assert named == {QLP_LOW_PRECISION, QLP_LOW_PRECISION_SINCE_56, QLP_TGLC}
    assert " bit " not in line  # which is counted from 0 here and from 1 there


@pytest.mark.parametrize("numbered", [True, False])
def test_gaps_without_rows_get_rows(tmp_path, numbered):
    """So a flare beside a gap is known to be beside one."""
    path = made_files.qlp(tmp_path / "llc.fits", 24, 1800)
    whole = read_file(path)
    with fits.open(path) as hdus:
        rows = np.r_[0:200, 246 : len(hdus[1].data)]
        table = fits.BinTableHDU(hdus[1].data[rows], hdus[1].header)
        fits.HDUList([hdus[0], table]).writeto(tmp_path / "gap.fits")
    with fits.open(tmp_path / "gap.fits", mode="update") as hdus:
        hdus[1].data["SAP_FLUX"][300] = 0
        if not numbered:
            hdus[1].header["TTYPE2"] = "ANOTHER"
    found = read_file(tmp_path / "gap.fits")
    assert found.header["input_note"] == (  # as rows are counted in what is made of it
        "46 cadences are missing: rows without values are there; "
        "1 cadence with a flux of exactly 0 left out, the first is row 346"
    )
    assert found.n_cadences == whole.n_cadences
    for name in ("time", "flux", "flux_err"):
        expected = getattr(whole, name).copy()
        expected[200:246] = np.nan
        expected[346] = found.time[346] if name == "time" else np.nan
        np.testing.assert_array_equal(getattr(found, name), expected)


@pytest.mark.parametrize(("row", "number"), [(-1, 100_000_000), (0, -5000)])
def test_a_wild_number_of_a_cadence_without_a_time_makes_no_rows(tmp_path, row, number):
    """No time tells against it: 100 million rows are 2.6 GB."""
    path = made_files.qlp(tmp_path / "llc.fits", 24, 1800)
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["TIME"][row] = np.nan
        hdus[1].data["CADENCENO"][row] = number
    found = read_file(path)
    assert found.n_cadences == made_files.N
    assert np.flatnonzero(np.isnan(found.time)).tolist() == [row % made_files.N]


def test_numbers_of_cadences_that_are_none_are_one_line_with_the_name_of_the_file(tmp_path):
    path = made_files.qlp(tmp_path / "llc.fits", 24, 1800)
    with fits.open(path) as hdus:
        pairs = fits.Column("CADENCENO", "2J", array=np.ones((made_files.N, 2), int))
        columns = [pairs if c.name == "CADENCENO" else c for c in hdus[1].columns]
        table = fits.BinTableHDU.from_columns(columns, hdus[1].header)
        fits.HDUList([hdus[0], table]).writeto(tmp_path / "pairs.fits")
    with pytest.raises(LightCurveError, match=r"pairs.fits: column CADENCENO: expected one number"):
        read_file(tmp_path / "pairs.fits")


def test_of_two_versions_in_a_directory_the_newer_is_taken(tmp_path):
    """Their headers do not say which they are, the names do."""
    names = [f"hlsp_qlp_tess_ffi_s0074-0000000277554109_tess_v{n}_llc.fits" for n in ("01", "02")]
    older, newer = (made_files.qlp(tmp_path / name, 74, 200) for name in names)
    (source, *none), rejected = scan_directory(tmp_path, products=ALL_PRODUCTS)
    assert (source.path, none, rejected) == (newer, [], [])
    (other,) = source.others
    assert str(other) == (
        f"{older}: processed by version 1 of unknown date; {newer} is taken, by version 2 of "
        "unknown date"
    )
