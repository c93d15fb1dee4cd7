"""Commands that are given a directory: of sector files, of a campaign, or none for the one here."""

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from tests.cvz.results.example_unit import write_unit

TIC = 25155310
UNITS = [LightCurveId(TIC, sector) for sector in (1, 2)]


@pytest.fixture
def campaign(tmp_path, monkeypatch):
    """A campaign of two light curves, in the working directory."""
    (tmp_path / "cvzmpi.toml").write_text('[output]\ndirectory = "results"\n')
    for unit in UNITS:
        write_unit(tmp_path / "results", *unit)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("given", [[], ["."], ["results"], [f"results/{UNITS[0].shard}"]])
def test_show_of_a_directory_is_the_table_of_its_sector_files(call, campaign, given):
    status, out, _ = call("show", *given)
    assert status == 0
    assert all(f"{unit.name}.h5" in out for unit in UNITS)


def test_show_of_a_directory_with_one_file_is_a_table_as_well(call, campaign):
    UNITS[1].path(campaign / "results").unlink()
    _, out, _ = call("show", "results")
    assert "half at" in out
    assert "Recovery of injected flares" not in out


def test_pictures_are_not_where_the_results_are(call, campaign):
    before = {path for path in (campaign / "results").rglob("*") if path.is_file()}
    status, out, _ = call("plot", "results")
    assert status == 0
    assert out.splitlines() == [f"plots/{unit.name}.png" for unit in UNITS]
    assert {path.name for path in (campaign / "plots").iterdir()} == {
        f"{unit.name}.png" for unit in UNITS
    }
    assert {path for path in (campaign / "results").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("option", "picture"), [("x.pdf", "x.pdf"), ("drawn", f"drawn/{UNITS[0].name}.png")]
)
def test_a_picture_goes_to_the_file_or_the_directory_that_is_named(call, campaign, option, picture):
    status, out, _ = call("plot", UNITS[0].path(campaign / "results"), "--output", option)
    assert (status, out) == (0, f"{picture}\n")
    assert (campaign / picture).stat().st_size > 1000


def test_two_files_of_the_same_name_do_not_overwrite_each_others_picture(call, campaign):
    file = UNITS[0].path(campaign / "results")
    copy = campaign / file.name
    copy.write_bytes(file.read_bytes())
    status, _, err = call("plot", file, copy)
    assert status == 2
    assert "the same name" in err
    assert not (campaign / "plots").exists()


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".PNG"])
def test_a_picture_beside_a_sector_file_is_not_foreign_to_the_index(call, campaign, suffix):
    UNITS[0].path(campaign / "results").with_suffix(suffix).write_bytes(b"picture")
    (campaign / "results" / UNITS[0].shard / "notes.txt").write_text("this one is")
    status, out, _ = call("index")
    assert status == 0
    assert "1 file is not in it" in out
    assert "foreign" in out
    assert suffix not in out


def test_the_tables_of_some_stars_leave_those_of_all_as_they_are(call, campaign):
    assert call("ffd", "--all")[0] == 0
    of_all = {path.name: path.read_bytes() for path in (campaign / "ffd").iterdir()}
    assert set(of_all) == {f"ffd_{name}.ecsv" for name in ("stars", "sectors", "flares")}
    status, out, _ = call("ffd", TIC, "--min-completeness", 0.9)
    assert status == 0
    assert {path.name: path.read_bytes() for path in (campaign / "ffd").iterdir()} == of_all | {
        f"ffd_{name}_{TIC}.ecsv": (campaign / "ffd" / f"ffd_{name}_{TIC}.ecsv").read_bytes()
        for name in ("stars", "sectors", "flares")
    }
    assert f"ffd/ffd_stars_{TIC}.ecsv" in out
