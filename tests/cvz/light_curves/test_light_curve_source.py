"""What the ledger knows of a file is taken from it as it was, or not at all."""

from pathlib import Path

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve_source import InputFile

KNOWN = InputFile(Path("/in/lc.fits"), 5760, LightCurveId(7, 1), 5760, ((1, 2), "a"), "a-1.2", 9)


def test_a_file_comes_back_from_its_fact():
    fact = KNOWN.as_fact()
    assert InputFile.of_fact(fact) == KNOWN
    assert InputFile.of_fact({**fact, "end": None}).end_of_table is None
    del fact["mtime_ns"]  # as in ledgers of earlier versions
    assert InputFile.of_fact(fact).is_as_of(10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"end": "no"},
        {"end": [1]},
        {"mtime_ns": "x"},
        {"bytes": "many"},
        {"unit": "x"},
        {"processing": 3},
    ],
)
def test_a_fact_that_is_damaged_or_of_another_version_is_none(wrong):
    assert InputFile.of_fact({**KNOWN.as_fact(), **wrong}) is None
