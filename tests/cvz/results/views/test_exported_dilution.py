"""An exported light curve says of the light of other stars what its file says, and so once more."""

import numpy as np
import pytest

import cvzmpi
from cvzmpi.cvz.light_curves.readers.columns_input import of_columns
from cvzmpi.cvz.light_curves.readers.dilution import dilution_in_words, without_other_stars
from cvzmpi.cvz.light_curves.readers.given_columns import GivenColumns
from cvzmpi.cvz.light_curves.readers.table_file import read_table
from tests.cvz.example_file import write_example

BITMASK = 16575
SAP = {"flux_origin": "sap_flux", "CROWDSAP": 0.25}


def as_lightkurve(file, path):
    pytest.importorskip("lightkurve")
    return of_columns(GivenColumns.of_series(file.light_curve()))


def as_series(file, path):
    return of_columns(GivenColumns.of_series(file.time_series))


def as_ecsv(file, path):
    file.time_series.write(path / "1_1.ecsv")
    return read_table(path / "1_1.ecsv", {})


WAYS = [as_lightkurve, as_series, as_ecsv]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "none: PDCSAP"),
        ({"product": "tess-spoc"}, "none: PDCSAP"),
        (SAP, "flares are seen at 25.0%"),
        (SAP | {"product": "lightkurve"}, "flares are seen at 25.0%"),
        (SAP | {"own_light": 0.25}, "corrected: 25.0%"),
        ({"flux_origin": "unknown"}, "unknown: nothing says"),
        ({"product": "table"}, "unknown: nothing says"),
    ],
)
def test_what_is_exported_and_given_back_is_as_diluted_as_it_was(tmp_path, way, header, words):
    file = cvzmpi.read(write_example(tmp_path / "1.h5", header=header))
    assert dilution_in_words(file.header).startswith(words)
    again = way(file, tmp_path)
    assert dilution_in_words(again.header).startswith(words)
    alone = without_other_stars(again, BITMASK)
    is_diluted = words.startswith("flares are seen")
    assert np.array_equal(alone.flux, again.flux, equal_nan=True) != is_diluted


@pytest.mark.parametrize(
    ("header", "origin", "author"),
    [
        ({}, "pdcsap_flux", "SPOC"),
        ({"product": "kepler", "catalogue": "KIC"}, "pdcsap_flux", None),
        ({"product": "qlp", "flux_unit": ""}, "sap_flux", None),
        (SAP, "sap_flux", None),
        ({"product": "table"}, None, None),
    ],
)
def test_lightkurve_is_told_what_the_flux_is(tmp_path, header, origin, author):
    pytest.importorskip("lightkurve")
    meta = cvzmpi.read(write_example(tmp_path / "1.h5", header=header)).light_curve().meta
    assert (meta.get("FLUX_ORIGIN"), meta.get("AUTHOR")) == (origin, author)
    assert "flux_origin" not in meta
