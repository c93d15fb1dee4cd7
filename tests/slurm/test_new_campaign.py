"""A campaign of `cvzmpi init` on a real Slurm: submitted as its README says, it gets done."""

import json
import os
import sys

import pytest

from cvzmpi.cvz.sector_file.reading import read_progress
from tests.main_job import simulate

pytestmark = pytest.mark.slurm

N_STARS = 3
FAST = ("--set", "inject.n_inject=50", "--set", "inject.n_repeat=2")


@pytest.fixture
def new_campaign(cluster, models, tmp_path):
    """The directory of a campaign that init made where this Slurm is found."""
    campaign = tmp_path / "my campaign"
    cluster.ask(sys.executable, "-m", "cvzmpi", "init", campaign)
    simulate(campaign / "input", N_STARS)
    return campaign


def test_submitted_it_gets_done_with_the_python_that_made_it(cluster, new_campaign, monkeypatch):
    # Somebody's variable of that name is not the Python of the campaign.
    monkeypatch.setitem(cluster.environment, "PYTHON", "/bin/false")
    options = (f"--chdir={new_campaign}", "--nodes=2", "--ntasks-per-node=2", "--time=30")
    job = cluster.submit(*options, new_campaign / "cvz_ckpt.slurm", ".", *FAST)
    log = new_campaign / f"cvzmpi_{job}.log"
    facts = cluster.wait_for_end(job, log)
    assert (facts["JobState"], facts["ExitCode"]) == ("COMPLETED", "0:0"), log.read_text()
    files = list((new_campaign / "output").rglob("*.h5"))
    assert len(files) == N_STARS
    assert all(read_progress(file).done for file in files)


def test_a_partition_that_is_not_here_gives_way_to_the_default(new_campaign):
    partitions = {
        name: [line for line in (new_campaign / name).read_text().splitlines() if "--part" in line]
        for name in ("cvz_ckpt.slurm", "cvz_node.slurm")
    }
    assert partitions["cvz_ckpt.slurm"][-1] == "#SBATCH --partition=ckpt"
    assert partitions["cvz_node.slurm"][-1].startswith("##SBATCH --partition=")
    assert partitions["cvz_node.slurm"][-1].endswith("# here are: ckpt, grace, high")


def test_the_doctor_finds_the_queue_and_what_srun_needs(cluster, new_campaign):
    ended = cluster.run(sys.executable, "-m", "cvzmpi", "doctor", new_campaign, "--json")
    found = {finding["what"]: finding for finding in json.loads(ended.stdout)}
    assert ended.returncode == 0, found
    assert found["queue"]["level"] == "ok"
    assert found["queue"]["says"].startswith("Slurm, partitions ckpt, grace, high; srun --mpi=")


def test_a_launcher_that_fails_is_none_of_a_queues_business(cluster, new_campaign, monkeypatch):
    launcher = new_campaign / "programs" / "mpirun"
    launcher.parent.mkdir()
    launcher.write_text("#!/bin/sh\necho 'not on login nodes' >&2\nexit 1\n")
    launcher.chmod(0o755)
    path = f"{launcher.parent}{os.pathsep}{cluster.environment['PATH']}"
    monkeypatch.setitem(cluster.environment, "PATH", path)
    ended = cluster.run(sys.executable, "-m", "cvzmpi", "doctor", new_campaign)
    assert ended.returncode == 0, ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if "not on login nodes" in line]
    assert line.startswith("note ")
    assert "srun starts the ranks" in line


def test_submit_takes_the_script_of_the_campaign(cluster, new_campaign):
    submit = [sys.executable, "-m", "cvzmpi.jobs.submit", new_campaign, "--dry-run"]
    lines = cluster.ask(*submit).splitlines()
    assert f"'{new_campaign / 'cvz_ckpt.slurm'}' . --set " in lines[1]
