"""The file of a spectral profile: what is read, and what one line says of what cannot be."""

import pytest

from cvzmpi.errors import ConfigError
from cvzmpi.level2.settings import InversionSettings
from cvzmpi.level2.spectroscopy.line_table import canonical_settings
from cvzmpi.level2.spectroscopy.transmission_table import read_transmission
from cvzmpi.level2.spectroscopy.zeeman import FE_I_630

ROWS = "-2 0.1\n0 1\n2 0.2\n"
ECSV = """# %ECSV 1.0
# ---
# datatype:
# - {name: offset, unit: pm, datatype: float64}
# - {name: transmission, datatype: float64}
# schema: astropy-2.0
offset transmission
"""


@pytest.mark.parametrize(
    "text",
    [ROWS, "offset transmission\n" + ROWS, ECSV + ROWS, "offset,t\n" + ROWS.replace(" ", ",")],
    ids=["plain", "with a header", "ECSV", "CSV"],
)
def test_tables_of_all_usual_kinds_are_read(tmp_path, text):
    path = tmp_path / "profile.txt"
    path.write_text(text)
    table = read_transmission(path)
    assert table.offset.tolist() == [-2, 0, 2]
    assert table.transmission.tolist() == [0.1, 1, 0.2]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no table of two columns"),
        ("1 2 3\n4 5 6\n7 8 9\n", "3 columns, expected 2: offset in pm, and transmission"),
        ("x y\n0 1\n1 2\n", "2 rows, expected 3 or more"),
        ("x y\n0 1\n1 2\n0.5 2\n", "offset 0.5 pm after 1, expected increasing ones"),
        ("x y\n-1 1\n0 2\n2000 1\n", "offset 2000 pm, expected at most 1000 either way"),
        ("x y\n-1 0\n0 1\n1 -0.5\n", "transmission -0.5, expected none below 0"),
        ("x y\n-1 0\n0 0\n1 0\n", "transmission is 0 everywhere, expected a profile"),
        ("x y\n-1 0\n0 one\n1 0\n", "column 'y' has no number somewhere, expected numbers"),
        ("x y\n-1 0\n0 nan\n1 0\n", "column 'y' has nan, expected finite numbers"),
    ],
)
def test_what_is_no_profile_is_refused_in_one_line_that_names_it(tmp_path, text, fault):
    path = tmp_path / "profile.txt"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_transmission(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_named(tmp_path):
    settings = InversionSettings(spectral_profile=tmp_path / "none.csv")
    with pytest.raises(ConfigError, match=r"none\.csv: cannot be read: no such file"):
        canonical_settings(settings, FE_I_630)
    with pytest.raises(ConfigError, match=r"none\.csv: cannot be read: no such file"):
        read_transmission(tmp_path / "none.csv")


def test_a_gaussian_and_a_table_are_one_too_many(tmp_path):
    with pytest.raises(ValueError, match=r"spectral_profile_fwhm 4\.2 and spectral_profile"):
        InversionSettings(spectral_profile=tmp_path / "x.csv", spectral_profile_fwhm=4.2)
