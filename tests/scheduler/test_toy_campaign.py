"""The example of `docs/new-campaign.md` is a campaign: killed at any time, it goes on."""

import re
import sys
from pathlib import Path

import click
import h5py
import numpy as np
import pytest

from cvzmpi.cli import ENTRY_POINTS
from cvzmpi.runtime.command_line import imported
from tests.docs.code_blocks import blocks_tested_by
from tests.scheduler.toy_campaign import read_progress
from tools.harness.hdf5_content import content
from tools.harness.job_process import kill_when, run, start

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "new-campaign.md"
N_ROWS = {"short": 7, "long": 200, "longer": 301}
TEAMS = [1, pytest.param(2, marks=pytest.mark.skipif(not h5py.get_config().mpi, reason="needs it"))]


@pytest.fixture
def campaign(tmp_path):
    """A directory with tables, and with a package that brings the campaign."""
    (tmp_path / "tables.txt").write_text("".join(f"{name} {n}\n" for name, n in N_ROWS.items()))
    package = tmp_path / "toy-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    point = f"[{ENTRY_POINTS}]\ntoy = tests.scheduler.toy_commands:toy\n"
    (package / "entry_points.txt").write_text(point)
    return tmp_path


def toy(campaign, *settings):
    """What a user types, and where."""
    arguments = ["toy", "run", *(part for setting in settings for part in ("--set", setting))]
    return [arguments], {"cwd": campaign, "PYTHONPATH": f"{campaign}:{ROOT}"}


def results(campaign):
    return {path.name: content(path) for path in sorted((campaign / "output").glob("*.h5"))}


def test_every_snippet_of_the_guide_is_the_campaigns_own_text():
    files = ("toy_campaign.py", "toy_commands.py")
    code = [(ROOT / "tests" / "scheduler" / name).read_text() for name in files]
    snippets = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(snippets) >= 5
    for snippet in snippets:
        assert any(snippet in text for text in code), snippet


def test_the_entry_point_of_the_guide_is_a_command():
    (block,) = blocks_tested_by(
        "tests/scheduler/test_toy_campaign.py::test_the_entry_point_of_the_guide_is_a_command"
    )
    ((name, value),) = tomllib.loads(block.text)["project"]["entry-points"][ENTRY_POINTS].items()
    command = imported(value.replace("my_package", "tests.scheduler"))
    assert isinstance(command, click.Group)
    assert command.name == name


@pytest.mark.parametrize("ranks_per_team", TEAMS)
def test_killed_it_goes_on_to_the_same_results(campaign, ranks_per_team):
    first = campaign / "output" / "longer.h5"
    slow = ("interval=0.0", "seconds_per_row=0.005", f"ranks_per_team={ranks_per_team}")
    given, how = toy(campaign, *slow)
    killed = start(*given, ranks=3, **how)
    kill_when(killed, lambda: first.exists() and read_progress(first).n_done >= 3)
    n_done = read_progress(first).n_done
    assert 3 <= n_done < 31
    given, how = toy(campaign)
    ended = run(*given, ranks=3, **how)
    assert ended.status == 0, ended.stderr
    assert " half done, " in ended.plan
    assert not list(campaign.rglob("*.lock"))
    resumed = results(campaign)
    for name, n_rows in N_ROWS.items():
        with h5py.File(campaign / "output" / f"{name}.h5") as file:
            assert np.array_equal(file["powers"], np.arange(n_rows) ** 2)
    for path in (campaign / "output").iterdir():
        path.unlink()
    assert run(*given, **how).status == 0, "one rank, undisturbed"
    assert results(campaign) == resumed


def test_another_power_is_refused_with_the_difference(campaign):
    given, how = toy(campaign)
    assert run(*given, **how).status == 0
    before = results(campaign)
    given, how = toy(campaign, "power=3")
    ended = run(*given, **how)
    assert ended.status == 1
    assert len(ended.failures) == len(N_ROWS)
    assert all("(power: 2 -> 3)" in line for line in ended.failures)
    assert results(campaign) == before


def test_a_damaged_file_is_kept_and_its_table_begun_anew(campaign):
    given, how = toy(campaign)
    (campaign / "output").mkdir()
    (campaign / "output" / "short.h5").write_bytes(b"damaged")
    ended = run(*given, **how)
    assert ended.status == 0, ended.stderr
    assert "kept as short.h5.damaged, started anew" in ended.stderr
    assert len(results(campaign)) == len(N_ROWS)
