"""Paths that no file can have are one line, wherever they are given."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.cvz.configuration import load
from cvzmpi.errors import CvzmpiError
from cvzmpi.given_path import expanded, why_not_path, why_too_long


@pytest.mark.parametrize("path", ["x" * 256, "é" * 128, "a/" * 2048, "a/" + "x" * 5000])
def test_a_path_that_is_too_long_is_none(path):
    assert "no path" in why_not_path(Path(path))
    assert len(why_not_path(Path(path))) < 200


@pytest.mark.parametrize("path", ["a\0b", "\ud800", os.fsdecode(b"\xff")])
def test_what_cannot_be_written_down_is_no_path_of_a_configuration(path):
    assert "expected characters of UTF-8" in why_not_path(Path(path))
    assert why_too_long(Path(path)) is None  # the shell may have files of any bytes


@pytest.mark.parametrize("path", ["a b", "é" * 127, "/tmp/#?%", "a/" * 2000, ".", ""])
def test_any_other_path_is_one(path):
    assert why_not_path(Path(path)) is None


LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", LONG],
        ["index", LONG],
        ["status", "--config", LONG],
        ["status", "--output", LONG],
        ["level2", "prepare", LONG, "--output", "o"],
        ["level2", "invert", LONG, "--output", "o"],
        ["level2", "inbox", "--set", f"inbox.directory={LONG}"],
        ["level2", "list", "--set", f"ledger.file={LONG}"],
    ],
    ids=lambda arguments: " ".join(arguments[:2])[:20],
)
def test_a_path_that_is_too_long_is_one_line_of_every_command(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(cli, arguments)
    if outcome.exit_code == 2:
        assert "is no path, expected names of at most 255 bytes" in outcome.output
    else:
        assert isinstance(outcome.exception, CvzmpiError), outcome.exception
        assert "is no path, expected names of at most 255 bytes" in str(outcome.exception)


# ----------------------------------------------------------------- the home and variables


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A home and a variable with a directory; the working directory is another one."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CVZ_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("CVZ_GONE", raising=False)
    monkeypatch.setenv("CVZ_EMPTY", "")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("~/x", "home/x"),
        ("~", "home"),
        ("$CVZ_DATA/x", "data/x"),
        ("${CVZ_DATA}_2", "data_2"),
        ("~/$HOME", "home/$HOME"),
        ("a$", "here/a$"),
        ("a~", "here/a~"),
    ],
)
def test_home_and_variables_are_what_a_shell_makes_of_them(places, written, expected):
    expected = Path(str(places / expected).replace("$HOME", str(places / "home")))
    assert expanded(written, Path.cwd()) == expected


@pytest.mark.parametrize("name", ["$CVZ_DATA", "~", "$CVZ_GONE.toml"])
def test_what_is_there_as_it_is_written_is_meant(places, name):
    (places / "here" / name).touch()
    assert expanded(name) == Path(name)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("$CVZ_GONE/x", "the variable CVZ_GONE is not set"),
        ("${CVZ_EMPTY}/x", "the variable CVZ_EMPTY is not set"),
        ("~nobody-at-all/x", "the home of '~nobody-at-all' is not known"),
    ],
)
@pytest.mark.parametrize("how", ["argument", "option", "set", "file", "level2"])
def test_a_variable_without_a_value_is_one_line_and_makes_nothing(call, places, written, why, how):
    Path("my.toml").write_text(f'[archive]\nscratch = "{written}"\n')
    before = sorted(places.rglob("*"))
    status, out, err = call(
        *{
            "argument": ["show", written],
            "option": ["status", "--output", written],
            "set": ["run", "--input", "a", "--output", "b", "--set", f"archive.scratch={written}"],
            "file": ["run", "my.toml"],
            "level2": ["level2", "list", "--set", f"ledger.file={written}"],
        }[how]
    )
    assert (status, out, sorted(places.rglob("*"))) == (2, "", before)
    (line,) = err.splitlines()
    assert why in line
    assert written in line
    if how in {"set", "file"}:
        assert "archive.scratch = " in line


def test_the_paths_of_settings_have_home_and_variables_wherever_they_are_set(places):
    file = places / "cvzmpi.toml"
    file.write_text('[input]\ndirectory = "~/fits"\n[archive]\nscratch = "$CVZ_DATA/scratch"\n')
    config = load(file, ["detector.file=~/models.npz", "output.directory=${CVZ_DATA}/out"])
    assert config.input.directory == places / "home" / "fits"
    assert config.archive.scratch == places / "data" / "scratch"
    assert config.detector.file == places / "home" / "models.npz"
    assert config.output.directory == places / "data" / "out"
    assert config.science_json() == load(None).science_json()


def test_a_file_in_a_directory_with_a_dollar_in_its_name_has_its_paths_there(places):
    directory = places / "here" / "a$CVZ_GONE"
    directory.mkdir()
    (directory / "my.toml").write_text('[input]\ndirectory = "fits"\n')
    assert load(Path("a$CVZ_GONE/my.toml")).input.directory == Path("a$CVZ_GONE/fits")


def test_an_empty_path_is_not_the_working_directory(call, places):
    status, _, err = call("status", "--output", "")
    assert (status, err.splitlines()) == (
        2,
        ["cvzmpi: Invalid value for '--output': it is empty, expected a path"],
    )
