"""What no measurement gives is left out of a light curve and told; where it is much, refused."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.observation import Observation, Window
from cvzmpi.cvz.simulation.simulate import FIRST_TIC, simulate_light_curve
from cvzmpi.cvz.simulation.spoc_fits import write_spoc_fits
from cvzmpi.errors import DamagedLightCurveError, LightCurveError

WINDOW = Window(before=100, after=100)

N = 1600
BITMASK = Config().light_curve.quality_bitmask


@pytest.fixture(scope="module")
def simulated():
    return simulate_light_curve(FIRST_TIC, 4, 1, n_cadences=N)[0]


@pytest.fixture
def changed(tmp_path, simulated):
    """Read a light curve whose table and headers are changed before."""

    def changed(change):
        path = tmp_path / "lc.fits"
        write_spoc_fits(path, simulated, overwrite=True)
        with fits.open(path, mode="update") as hdus:
            change(hdus)
        return read_light_curve(path)

    return changed


@pytest.fixture
def row(simulated):
    """A cadence that is used, with others after it."""
    return int(np.flatnonzero(simulated.usable(BITMASK))[500])


def note(light_curve):
    return light_curve.header.get("input_note", "")


def test_a_good_light_curve_is_as_it_was_written_and_has_no_note(changed, simulated):
    light_curve = changed(lambda hdus: None)
    for name in ("time", "flux", "flux_err", "quality"):
        assert getattr(light_curve, name).tobytes() == getattr(simulated, name).tobytes()
    assert note(light_curve) == ""


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("TIME", 99999.0, "a time outside of the sector"),
        ("TIME", -1e300, "a time outside of the sector"),
        ("TIME", np.inf, "a time outside of the sector"),
        ("PDCSAP_FLUX", 0, "a flux of exactly 0"),
        ("PDCSAP_FLUX", np.inf, "no finite flux"),
        ("PDCSAP_FLUX", 3e38, "a flux beyond"),
        ("PDCSAP_FLUX", -1e10, "a flux beyond"),
        ("PDCSAP_FLUX_ERR", 0, "a flux error that is not positive and finite"),
        ("PDCSAP_FLUX_ERR", -5, "a flux error that is not positive and finite"),
        ("PDCSAP_FLUX_ERR", np.inf, "a flux error that is not positive and finite"),
        ("PDCSAP_FLUX_ERR", np.nan, "a flux error that is not positive and finite"),
        ("PDCSAP_FLUX_ERR", 1e25, "a flux error beyond"),
    ],
)
def test_a_cadence_that_was_not_measured_is_left_out_and_told(
    changed, simulated, row, column, value, reason
):
    def change(hdus):
        hdus[1].data[column][row] = value

    light_curve = changed(change)
    expected = simulated.usable(BITMASK)
    expected[row] = False
    np.testing.assert_array_equal(light_curve.usable(BITMASK), expected)
    assert f"1 cadence with {reason}" in note(light_curve)
    assert note(light_curve).endswith(f"left out, the first is row {row}")


def test_no_product_meets_a_flux_whose_error_is_no_number(changed, row):
    """Neither flux nor error stays, whatever a product looks at."""

    def change(hdus):
        hdus[1].data["PDCSAP_FLUX_ERR"][row : row + 5] = 0

    light_curve = changed(change)
    assert np.isnan(light_curve.flux[row : row + 5]).all()
    assert np.isnan(light_curve.flux_err[row : row + 5]).all()


@pytest.mark.parametrize(
    ("code", "value", "kept", "is_used"),
    [
        ("J", -(2**31), -(2**31), True),  # bit 31, which no bitmask may ask for
        ("I", -(2**15), 2**15, True),  # bit 15 of 16 is a flag as well
        ("K", 2**14, 2**14, False),
        ("K", 1 << 32, 0, False),
        ("K", -1, -1, False),
        ("K", (1 << 40) + 2**20, 2**20, False),
        ("D", 2.0**20, 2**20, True),
        ("D", 0.5, 0, False),
        ("D", np.nan, 0, False),
    ],
)
def test_quality_flags_are_kept_as_32_bits_and_what_they_cannot_hold_counts_as_bad(
    changed, row, code, value, kept, is_used
):
    def change(hdus):
        quality = hdus[1].data["QUALITY"].astype({"J": "i4", "I": "i2", "K": "i8", "D": "f8"}[code])
        quality[row] = value
        columns = [
            fits.Column("QUALITY", code, array=quality) if column.name == "QUALITY" else column
            for column in hdus[1].columns
        ]
        hdus[1] = fits.BinTableHDU.from_columns(columns, header=hdus[1].header)

    light_curve = changed(change)
    assert light_curve.quality[row] == kept
    assert light_curve.usable(BITMASK)[row] == is_used
    assert light_curve.usable(BITMASK).sum() > 1000
    is_lost = code in "KD" and not is_used and value != 2**14
    assert ("quality flags above bit 31" in note(light_curve)) == is_lost


@pytest.mark.parametrize(("whole", "fraction"), [(2454833, 0.0), (0, 0.0), (2456999, 0.5)])
def test_times_that_are_counted_from_elsewhere_become_btjd(changed, simulated, whole, fraction):
    def change(hdus):
        hdus[1].header["BJDREFI"], hdus[1].header["BJDREFF"] = whole, fraction
        hdus[1].data["TIME"] += 2457000 - whole - fraction

    light_curve = changed(change)
    np.testing.assert_allclose(light_curve.time, simulated.time, rtol=0, atol=1e-9)
    assert note(light_curve).startswith("TIME was counted from BJD")


def _set(extension, keyword, value):
    def change(hdus):
        hdus[extension].header[keyword] = value

    return change


def _fill(column, value, rows=slice(None)):
    def change(hdus):
        hdus[1].data[column][rows] = value

    return change


def _without_zero_point(hdus):
    del hdus[1].header["BJDREFI"]


def _jump(hdus):
    hdus[1].data["TIME"][900:] += 1000


def _never_written(hdus):
    for column in ("TIME", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR"):
        hdus[1].data[column][700:720] = 0


def _as_text(hdus):
    columns = [
        fits.Column("PDCSAP_FLUX", "8A", array=["1.0"] * N) if c.name == "PDCSAP_FLUX" else c
        for c in hdus[1].columns
    ]
    hdus[1] = fits.BinTableHDU.from_columns(columns, header=hdus[1].header)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_zero_point, "BJDREFI = None, .*expected the BJD that TIME is counted from"),
        (_set(1, "BJDREFI", True), "BJDREFI = True"),
        (_set(1, "BJDREFI", 2400000), "the median time is BTJD -55"),
        (_set(1, "TIMEUNIT", "s"), "TIMEUNIT = 's', expected 'd'"),
        (_jump, "700 of 1600 times are more than 40 d from the median"),
        (_fill("PDCSAP_FLUX", 1000.0), "the flux is exactly 1000 in 1,343 of 1,343 cadences"),
        (_as_text, "column PDCSAP_FLUX: expected one number in each row"),
    ],
)
def test_a_light_curve_that_is_none_is_refused(changed, change, message):
    with pytest.raises(LightCurveError, match=rf"lc\.fits: {message}"):
        changed(change)


def test_rows_that_were_never_written_are_damage(changed):
    with pytest.raises(DamagedLightCurveError, match=r"20 rows hold zeros only, .* row 700"):
        changed(_never_written)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("TESSMAG", "10.5"), ("TEFF", True), ("TEFF", -1.0), ("RADIUS", 0.0), ("OBJECT", 5)],
)
def test_a_fact_of_the_header_that_is_none_is_left_out_and_told(changed, keyword, value):
    light_curve = changed(_set(0, keyword, value))
    assert keyword not in light_curve.header
    assert note(light_curve) == f"{keyword} = {value!r} left out"


# ----------------------------------------------------------------- the level of the flux


def _shift_median_to(level):
    def change(hdus):
        flux = hdus[1].data["PDCSAP_FLUX"]
        flux -= np.nanmedian(flux) - level

    return change


def test_a_median_that_is_the_stars_own_is_accepted(changed):
    assert Observation.prepare(changed(lambda hdus: None), Config(), WINDOW).median_flux > 0


@pytest.mark.parametrize("errors", [0.01, 1.0])
def test_a_median_that_is_about_its_error_is_refused(changed, errors):
    def change(hdus):
        _shift_median_to(errors * np.nanmedian(hdus[1].data["PDCSAP_FLUX_ERR"]))(hdus)

    with pytest.raises(LightCurveError, match=r"lc\.fits: .*median flux is .* with an error of"):
        Observation.prepare(changed(change), Config(), WINDOW)


def test_a_light_curve_of_which_much_is_below_zero_is_refused(changed):
    def change(hdus):
        hdus[1].data["PDCSAP_FLUX"][::4] *= -0.1

    with pytest.raises(LightCurveError, match="25% of the fluxes are not above 0"):
        Observation.prepare(changed(change), Config(), WINDOW)


def test_a_median_that_contradicts_the_magnitude_is_told(changed):
    def change(hdus):
        hdus[0].header["TESSMAG"] = hdus[0].header["TESSMAG"] - 5

    assert "the median flux is 0.01 times that of TESSMAG" in note(changed(change))
