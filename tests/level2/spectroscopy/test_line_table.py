"""Lines of a table in place of the iron lines at 630 nm."""

import json

import numpy as np
import pytest

from cvzmpi.errors import ConfigError
from cvzmpi.level2.maps.simulated_map import NOISE, atmospheres
from cvzmpi.level2.pixels.inverted_pixels import CONVERGED
from cvzmpi.level2.pixels.pixel_inversion import invert
from cvzmpi.level2.settings import InversionSettings, with_defaults
from cvzmpi.level2.spectroscopy import milne_eddington as me
from cvzmpi.level2.spectroscopy.line_table import (
    canonical_settings,
    lines_of,
    read_lines,
    recorded_lines,
)
from cvzmpi.level2.spectroscopy.milne_eddington import MilneEddington
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630
from tests.docs.code_blocks import blocks_tested_by

FE_I_617 = "wavelength_nm,log_gf,j_lower,j_upper,g_lower\n617.3334,-2.88,1,0,2.5\n"
"""A normal triplet: log gf and wavelength are those of VALD."""

FE_I_630_ROWS = """\
wavelength_nm,log_gf,s_lower,l_lower,j_lower,s_upper,l_upper,j_upper,source
630.24936,-1.236,2,1,1,2,2,0,SIR
630.15012,-0.75,2,1,2,2,2,2,SIR
"""


def table(tmp_path, text, name="lines.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_iron_lines_as_a_table_are_the_iron_lines(tmp_path):
    assert read_lines(table(tmp_path, FE_I_630_ROWS)) == FE_I_630


def test_an_ecsv_file_with_units_is_read_and_other_units_are_refused(tmp_path):
    text = """\
# %ECSV 1.0
# ---
# datatype:
# - {name: wavelength_nm, unit: nm, datatype: float64}
# - {name: log_gf, datatype: float64}
# - {name: j_lower, datatype: float64}
# - {name: j_upper, datatype: float64}
# - {name: g_lower, datatype: float64}
# - {name: g_upper, datatype: float64}
wavelength_nm log_gf j_lower j_upper g_lower g_upper
854.2091 -0.36 2.5 1.5 1.2 1.3333333
"""
    (line,) = read_lines(table(tmp_path, text, "lines.ecsv"))
    assert line.effective_lande == pytest.approx(1.1)
    with pytest.raises(ConfigError, match="unit of wavelength_nm is Angstrom, expected nm"):
        read_lines(table(tmp_path, text.replace("unit: nm", "unit: Angstrom"), "lines.ecsv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wavelength_nm,log_gf,j_lower,j_upper,g_lower\n", "no rows"),
        (FE_I_617.replace("617.3334", "-1"), r"row 1: wavelength_nm is -1\.0: .*greater than 0"),
        (FE_I_617.replace("-2.88", "x"), "row 1: log_gf is 'x'"),
        (FE_I_617.replace("-2.88", ""), "row 1: log_gf is missing"),
        (FE_I_617.replace("j_upper", "jupper"), "row 1: j_upper is missing"),
        (FE_I_617.replace("-2.88,1,0", "-2.88,0.7,0"), "row 1: j_lower is 0.7: .*multiple of 0.5"),
        (FE_I_617.replace("-2.88,1,0", "-2.88,2,0"), "difference of 0 or 1"),
        (FE_I_617.replace("-2.88,1,0", "-2.88,0,0"), "not from 0 to 0"),
        (FE_I_617.replace(",g_lower", ",s_lower"), "neither g_lower nor s_lower and l_lower"),
        (FE_I_630_ROWS.replace("2,1,2,2", "2,1,4,2"), "row 2: j_lower is 4, expected 1 to 3"),
    ],
)
def test_a_mistake_is_one_line_with_file_row_and_value(tmp_path, text, said):
    path = table(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as error:
        read_lines(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_no_table_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.csv: not a readable table"):
        read_lines(tmp_path / "none.csv")
    with pytest.raises(ConfigError, match=r"expected a file \.ecsv or \.csv"):
        read_lines(table(tmp_path, FE_I_617, "lines.txt"))


def test_the_identity_of_settings_is_the_content_of_the_table(tmp_path):
    path, copy = table(tmp_path, FE_I_630_ROWS), table(tmp_path, FE_I_630_ROWS, "copy.csv")

    def text_of(file):
        settings = InversionSettings(lines=file)
        return canonical_settings(settings, lines_of(settings))

    before = text_of(path)
    assert text_of(copy) == before
    assert recorded_lines(json.loads(before)) == FE_I_630
    path.write_text(FE_I_630_ROWS.replace("-0.75", "-0.718"))
    assert text_of(path) != before
    default = InversionSettings()
    assert canonical_settings(default, lines_of(default)) == with_defaults("{}")


def test_excitation_and_abundance_weigh_the_strengths(tmp_path):
    header, row = FE_I_617.splitlines()
    text = f"{header},excitation_ev,abundance\n{row},2.0,0.5\n"
    (line,) = read_lines(table(tmp_path, text))
    assert line.log_strength == pytest.approx(-2.88 - 2.0 + 0.5)


def test_the_field_is_found_in_another_line_alone(tmp_path):
    lines = read_lines(table(tmp_path, FE_I_617))
    model = MilneEddington(617.27 + 0.0013 * np.arange(100), lines)
    random = np.random.default_rng(4)
    truth = atmospheres(100, random, weakest=1000)
    profiles = model.stokes(truth)
    found = invert(model, profiles + random.normal(0, NOISE, profiles.shape), InversionSettings())
    assert (found.status == CONVERGED).mean() > 0.97
    error = np.abs(found.parameters - truth)
    assert np.median(error[:, me.FIELD]) < 15
    assert np.median(error[:, me.VELOCITY]) < 0.02


def test_the_table_of_the_page_is_read(tmp_path):
    (block,) = blocks_tested_by(
        "tests/level2/spectroscopy/test_line_table.py::test_the_table_of_the_page_is_read"
    )
    first, second = read_lines(table(tmp_path, block.text))
    assert first == FE_I_630[0]
    assert second.effective_lande == pytest.approx(2.49)
