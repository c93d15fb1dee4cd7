"""The README is true: its snippet reads a real sector file, and its commands exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cvzmpi.cvz.configuration import Config

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A sector file as the README's commands make it."""
    directory = tmp_path_factory.mktemp("readme")
    python = [sys.executable, "-m", "cvzmpi"]
    simulate = ["simulate", directory / "input", "--stars", "1", "--cadences", "3000"]
    run = ["run", "--input", directory / "input", "--output", directory / "output"]
    settings = ["--set", "inject.n_inject=80", "--set", "inject.n_repeat=2"]
    for arguments in (simulate, [*run, *settings]):
        subprocess.run([*python, *arguments], check=True, capture_output=True)
    (file,) = (directory / "output").glob("*/*.h5")
    return file


def test_the_snippet_that_reads_a_sector_file_works(path, capsys):
    (snippet,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {"path": path}
    exec(snippet, names)
    assert "are found" in capsys.readouterr().out
    assert len(names["series"]) == len(names["curve"]) > 2000
    assert names["recovered"].shape == (80, 2)


def test_every_dataset_of_the_file_is_described(path):
    import h5py

    def describe(name, item):
        group = name.partition("/")[0]
        (row,) = re.findall(rf"^\| `/{group}` .*$", README, re.MULTILINE)
        if isinstance(item, h5py.Dataset) and not name.endswith(("_time",)):
            assert name.rpartition("/")[2].removesuffix("_error") in row
            assert "units" in item.attrs

    with h5py.File(path) as file:
        file.visititems(describe)


def test_the_settings_that_are_named_exist():
    known = set(Config().science()) | {"ranks_per_team", "input.targets", "input.directory"}
    known |= {"checkpoint.interval", "job.drain_before_end", "job.max_attempts"}
    known |= {"ledger.lease", "ledger.patience"}
    named = set(re.findall(r"--set ([a-z_.]+)=", README))
    named |= set(
        re.findall(r"`((?:inject|input|job|checkpoint|detect|model|ledger)\.[a-z_]+)`", README)
    )
    assert named
    assert named <= known


def test_the_two_commands_and_the_pictures_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).exists(), picture
