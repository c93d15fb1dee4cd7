"""Paths that no file can have are one line, wherever they are given."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.errors import CvzmpiError
from cvzmpi.given_path import why_not_path, why_too_long


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
