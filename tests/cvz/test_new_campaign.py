"""`cvzmpi init`: a campaign that runs as it is, and never in place of anything."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.sector_file.reading import read_progress
from tests.main_job import simulate
from tools.harness.job_process import environment

FAST = ("--set", "inject.n_inject=20", "--set", "inject.n_repeat=2")


@pytest.fixture
def without_slurm(monkeypatch, tmp_path):
    """A PATH on which there is no queue."""
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


def run_here(campaign, *arguments):
    return subprocess.run(
        [campaign / "run_here.sh", *arguments],
        cwd="/",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("ranks", ["1", "3"])
def test_stars_simulated_into_its_input_are_worked_on(call, models, tmp_path, ranks):
    campaign = tmp_path / "my campaign"  # with a blank, as people have them
    assert call("init", campaign)[0] == 0
    simulate(campaign / "input", 2)
    ended = run_here(campaign, ranks, *FAST)
    assert ended.returncode == 0, ended.stderr
    files = sorted((campaign / "output").rglob("*.h5"))
    assert len(files) == 2
    assert all(read_progress(file).done for file in files)


def test_it_says_which_files_it_wrote(call, without_slurm, tmp_path):
    campaign = tmp_path / "campaign"
    status, out, err = call("init", campaign)
    assert status == 0
    files = ["cvzmpi.toml", "run_here.sh", "README.md"]
    assert out.splitlines() == [str(campaign / name) for name in files]
    assert err == f"{campaign / 'README.md'} says how it goes on\n"
    assert names(campaign) == sorted([*files, "input", "output"])


def test_the_configuration_is_the_default_one_with_comments(call, tmp_path):
    call("init", tmp_path)
    assert load(tmp_path / "cvzmpi.toml").science() == Config().science()
    assert "# the light curves of the campaign" in (tmp_path / "cvzmpi.toml").read_text()


def test_the_readme_has_five_lines_and_names_commands_that_there_are(call, tmp_path):
    call("init", tmp_path)
    lines = (tmp_path / "README.md").read_text().splitlines()
    assert len(lines) == 5
    commands = [part for part in " ".join(lines).split("`")[1::2] if " doctor" in part]
    (doctor,) = commands
    ended = subprocess.run(
        [*shlex.split(doctor), "--help"], capture_output=True, check=False, env=environment()
    )
    assert ended.returncode == 0


def test_the_light_curves_may_be_elsewhere(call, tmp_path, monkeypatch):
    (tmp_path / "fits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert call("init", "campaign", "--input", "fits")[0] == 0
    config = load(Path("campaign/cvzmpi.toml"))
    assert config.input.directory == tmp_path / "fits"
    assert not Path("campaign/input").exists()


def test_the_light_curves_may_come_from_the_archive(call, tmp_path, monkeypatch):
    (tmp_path / "stars.csv").write_text("TICID\n25155310\n")
    monkeypatch.chdir(tmp_path)
    assert call("init", "campaign", "--targets", "stars.csv")[0] == 0
    assert load(Path("campaign/cvzmpi.toml")).archive.targets == tmp_path / "stars.csv"
    assert not Path("campaign/input").exists()
    assert "scan` finds" in Path("campaign/README.md").read_text()


@pytest.mark.parametrize("name", ["cvzmpi.toml", "run_here.sh", "README.md"])
def test_what_exists_is_not_overwritten_and_nothing_else_is_written(call, tmp_path, name):
    (tmp_path / name).write_text("mine")
    status, out, err = call("init", tmp_path)
    assert (status, out) == (2, "")
    assert err == f"cvzmpi: {tmp_path / name}: exists, and init overwrites nothing\n"
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_written_through(call, tmp_path):
    (tmp_path / "README.md").symlink_to(tmp_path / "elsewhere")
    assert call("init", tmp_path)[0] == 2
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--input", "nowhere"], "nowhere: no such input directory"),
        (["--targets", "nowhere"], "nowhere: no such list of targets"),
        (["--input", ".", "--targets", "nowhere"], "give one of them"),
    ],
)
def test_wrong_options_are_one_line_and_nothing_is_written(
    call, tmp_path, monkeypatch, options, reason
):
    monkeypatch.chdir(tmp_path)
    status, out, err = call("init", "campaign", *options)
    assert (status, out, names(tmp_path)) == (2, "", [])
    (line,) = err.splitlines()
    assert reason in line


def test_a_file_in_place_of_the_directory_is_one_line(call, tmp_path):
    (tmp_path / "campaign").write_text("")
    status, out, err = call("init", tmp_path / "campaign")
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert "cannot write a campaign here" in line


def test_a_number_of_ranks_that_is_none_is_one_line(call, tmp_path):
    call("init", tmp_path)
    ended = run_here(tmp_path, "many")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "run_here.sh: many: expected a number of ranks\n"


@pytest.mark.skipif(shutil.which("sbatch") is None, reason="Slurm is not installed")
def test_with_slurm_there_are_job_scripts_that_name_this_python(call, tmp_path):
    call("init", tmp_path)
    for name in ("cvz_ckpt.slurm", "cvz_node.slurm"):
        lines = (tmp_path / name).read_text().splitlines()
        assert f"PYTHON={shlex.quote(sys.executable)}" in lines
    assert "`sbatch --account=YOURS cvz_ckpt.slurm`" in (tmp_path / "README.md").read_text()
