"""`cvzmpi ffd`: tables with units, whatever the files are like."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.errors import ConfigError
from tests.cvz.example_file import SECTOR, TIC, write_example
from tools.harness import job_process

NAMES = ("stars", "sectors", "flares")


@pytest.fixture
def results(tmp_path):
    """A finished light curve, a half-done one, one before the model, and one that is no file."""
    directory = tmp_path / "output"
    files = [LightCurveId(TIC, sector).path(directory) for sector in (SECTOR, 8, 9, 10)]
    files[0].parent.mkdir(parents=True)
    write_example(files[0])
    write_example(files[1], n_done=20)
    write_example(files[2], model=False)
    files[3].write_text("not HDF5")
    return directory


def run(*arguments):
    return CliRunner().invoke(cli, ["ffd", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize(("kind", "name"), [("ecsv", "ascii.ecsv"), ("parquet", "parquet")])
def test_the_tables_have_units_and_a_row_for_each(results, tmp_path, kind, name):
    outcome = run("--all", "--results", results, "--output", tmp_path / "ffd", "--format", kind)
    assert outcome.exit_code == 0
    stars, sectors, flares = (
        QTable.read(tmp_path / "ffd" / f"ffd_{table}.{kind}", format=name) for table in NAMES
    )
    assert list(stars["tic"]) == [TIC]
    assert list(sectors["sector"]) == [SECTOR]
    assert len(flares) == stars["n_flares"][0] == 2
    assert stars["rate"].unit == 1 / u.d
    assert flares["ed"].unit == u.s
    assert flares["energy"].unit == u.erg
    assert np.isnan(stars["luminosity"]).all()  # the header has no radius
    assert stars["temperature"][0] == 3210 * u.K
    assert sectors["ed_50"][0].value == pytest.approx(10, rel=0.3)


def test_what_cannot_be_used_is_named_and_not_fatal(results, tmp_path):
    outcome = run("--all", "--results", results, "--output", tmp_path / "ffd")
    left_out = [line for line in outcome.stderr.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 3
    assert "20 flares injected so far, expected at least 100" in left_out[1] + left_out[0]
    assert any("_10.h5: not an HDF5 file" in line for line in left_out)
    assert "1 star, 1 light curve; 3 left out" in outcome.stderr


def test_a_star_asked_for_is_summed_up_in_one_line(results, tmp_path):
    outcome = run(TIC, "--results", results, "--output", tmp_path / "ffd")
    first = outcome.stdout.splitlines()[0]
    assert first.startswith(f"TIC {TIC}: 2 flares in ")
    assert "index" in first


def test_several_processes_say_the_same_to_the_last_bit(results, tmp_path):
    for processes in ("1", "2"):
        arguments = ["--results", results, "--output", tmp_path / processes]
        ended = job_process.run(["ffd", "--all", *arguments, "--processes", processes])
        assert ended.status == 1, ended.stderr  # one file is no HDF5
    for name in NAMES:
        one, two = (tmp_path / f"{p}" / f"ffd_{name}.ecsv" for p in (1, 2))
        assert one.read_text() == two.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "--results", "nowhere"], "nowhere: no sector files in here"),
        (["5", "--results", "{results}"], "no sector file of star 5"),
    ],
)
def test_what_is_not_there_is_one_clear_line(results, arguments, message):
    with pytest.raises(ConfigError, match=message):
        run(*(a.format(results=results) for a in arguments))


def test_without_a_configuration_the_files_must_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"no cvzmpi\.toml here"):
        run("--all")


def test_an_output_that_cannot_be_written_is_one_clear_line(results, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file: cannot write here"):
        run("--all", "--results", results, "--output", tmp_path / "file")


@pytest.mark.parametrize("arguments", [[], ["5", "--all"]])
def test_stars_or_all_but_not_both(arguments):
    outcome = run(*arguments)
    assert outcome.exit_code == 2
    assert "give the numbers of stars, or --all" in outcome.stderr


def test_nothing_but_unusable_files_gives_empty_tables(tmp_path):
    file = LightCurveId(TIC, SECTOR).path(tmp_path / "output")
    file.parent.mkdir(parents=True)
    write_example(file, model=False)
    outcome = run("--all", "--results", tmp_path / "output", "--output", tmp_path / "ffd")
    assert outcome.exit_code == 0
    assert len(QTable.read(tmp_path / "ffd" / "ffd_stars.ecsv")) == 0
