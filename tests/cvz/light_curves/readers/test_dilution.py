"""The light of other stars: taken off where the flux has it, by what the file says of it."""

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.light_curves.readers.columns_input import of_columns
from cvzmpi.cvz.light_curves.readers.dilution import dilution_in_words, without_other_stars
from cvzmpi.cvz.light_curves.readers.given_columns import GivenColumns
from tests.cvz.light_curves.readers import made_files

BITMASK = 16575
SAP = {"flux_origin": "sap_flux", "CROWDSAP": 0.25}


def light_curve(header, flux=(100.0, 100.0, 110.0, 100.0, np.nan)):
    flux = np.array(flux, np.float32)
    time = 2000 + np.arange(len(flux)) / 720
    errors, quality = np.full(len(flux), 1, np.float32), np.zeros(len(flux), np.int32)
    return LightCurve(1, 1, time, flux, errors, quality, 120 / 86400, dict(header))


def test_a_flare_of_the_sum_over_the_aperture_is_one_of_the_star_alone():
    """The star gives 25 of 100, so that 10 more are 40 % of its light."""
    diluted = light_curve(SAP)
    alone = without_other_stars(diluted, BITMASK)
    np.testing.assert_array_equal(alone.flux, np.array([25, 25, 35, 25, np.nan], np.float32))
    np.testing.assert_array_equal(alone.flux_err, diluted.flux_err)
    assert alone.header["own_light"] == 0.25
    assert "own_light" not in diluted.header
    assert dilution_in_words(alone.header).startswith("corrected: 25.0%")
    assert without_other_stars(alone, BITMASK) is alone


def test_the_share_of_the_stars_light_in_the_aperture_changes_nothing():
    one, other = (
        without_other_stars(light_curve(SAP | {"FLFRCSAP": share}), BITMASK).flux
        for share in (0.5, 1.0)
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"CROWDSAP": 0.25}, "none: PDCSAP"),
        ({"CROWDSAP": 0.25, "product": "tess-spoc"}, "none: PDCSAP"),
        ({"CROWDSAP": 0.25, "product": "kepler", "catalogue": "KIC"}, "none: PDCSAP"),
        ({"CROWDSAP": 0.25, "product": "table"}, "unknown: nothing says"),
    ],
)
def test_flux_that_is_not_said_to_be_diluted_stays_as_it_is(header, words):
    given = light_curve(header)
    assert without_other_stars(given, BITMASK) is given
    assert dilution_in_words(given.header).startswith(words)


@pytest.mark.parametrize(
    "header", [{"product": "qlp"}, SAP | {"CROWDSAP": 0.0}, {"flux_origin": "sap_flux"}]
)
def test_where_no_share_is_known_a_note_says_so(header):
    given = light_curve(header)
    made = without_other_stars(given, BITMASK)
    np.testing.assert_array_equal(made.flux, given.flux)
    assert "dilution not corrected: unknown" in made.header["input_note"]
    assert "no CROWDSAP is known" in dilution_in_words(made.header)


@pytest.mark.parametrize("product", ["spoc", "qlp", "kepler"])
def test_readers_know_which_flux_it_is(tmp_path, product):
    path = tmp_path / "light_curve.fits"
    {
        "spoc": lambda: made_files.spoc(path, 120.0),
        "qlp": lambda: made_files.qlp(path, 12, 1800.0),
        "kepler": lambda: made_files.kepler(path),
    }[product]()
    words = dilution_in_words(read_file(path).header)
    assert words.startswith("unknown: the flux is that" if product == "qlp" else "none: PDCSAP")


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("sap_flux", "corrected: 25.0%"),
        ("pdcsap_flux", "none: PDCSAP"),
        ("kspsap_flux", "unknown: nothing says"),
        (None, "unknown: nothing says"),
    ],
)
def test_a_light_curve_of_lightkurve_says_what_its_flux_is(origin, words):
    given = light_curve({}, np.full(400, 100.0))
    columns = GivenColumns(
        given.time,
        given.flux + np.random.default_rng(1).normal(0, 1, 400),
        given.flux_err,
        "electron / s",
        meta={"CROWDSAP": 0.25} | ({"FLUX_ORIGIN": origin} if origin else {}),
    )
    made = without_other_stars(of_columns(columns), BITMASK)
    assert ("own_light" in made.header) == (origin == "sap_flux")
    assert dilution_in_words(made.header).startswith(words)


@pytest.mark.parametrize("unit", [None, u.electron / u.s])
def test_of_arrays_nobody_knows_what_the_flux_is(unit):
    time = 2000 + np.arange(400) / 720
    flux = np.random.default_rng(1).normal(100, 1, 400)
    given = GivenColumns.of_arrays(time, flux if unit is None else flux * unit)
    made = of_columns(given)
    assert "product" not in made.header
    assert dilution_in_words(made.header).startswith("unknown: nothing says")
    assert without_other_stars(made, BITMASK) is made


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("FLUX", {}, "unknown: nothing says"),
        ("PDCSAP_FLUX", {}, "none: PDCSAP"),
        ("FLUX", {"FLUX_ORIGIN": "pdcsap_flux"}, "none: PDCSAP"),
        ("PDCSAP_FLUX", {"FLUX_ORIGIN": "sap_flux"}, "unknown: the flux is that in the aperture"),
    ],
)
def test_a_file_of_lightkurve_is_known_by_its_header_and_the_name_of_its_column(
    tmp_path, name, facts, words
):
    lightkurve = pytest.importorskip("lightkurve")
    time, flux = 2000 + np.arange(400) / 720, np.random.default_rng(1).normal(100, 1, 400)
    curve = lightkurve.TessLightCurve(
        time=Time(time, format="btjd"),
        flux=flux * u.electron / u.s,
        flux_err=np.ones(400) * u.electron / u.s,
        meta={"TARGETID": 7, "SECTOR": 3, "MISSION": "TESS"},
    )
    curve["quality"] = np.zeros(400, np.int32)
    path = tmp_path / "lc.fits"
    curve.to_fits(path, flux_column_name=name, TARGETID=7, SECTOR=3, **facts)
    assert dilution_in_words(read_file(path).header).startswith(words)


def test_earlier_files_of_arrays_in_another_unit_are_not_taken_for_the_archives():
    words = dilution_in_words({"CROWDSAP": 0.25, "flux_unit": ""})
    assert words.startswith("unknown: nothing says")


def test_where_it_is_off_nothing_depends_on_the_option():
    """Sector files of earlier versions go on, and their configuration has no such setting."""
    assert "light_curve.dilution" not in Config().science()
    on = Config.model_validate({"light_curve": {"dilution": "corrected"}})
    assert on.science()["light_curve.dilution"] == "corrected"
    assert on.science_hash() != Config().science_hash()
