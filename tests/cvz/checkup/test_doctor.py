"""`cvzmpi doctor`: a line for each check, an exit status to rely on, and nothing that stays."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cvzmpi.cvz.checkup.checkup import CHECKS
from tests.cvz.checkup.broken_machine import configured, programs, without
from tests.main_job import simulate
from tools.harness.job_process import environment, start, wait_until

NAMES = [check.name for check in CHECKS]
MAY_BE_NOTES = {"MPI", "queue", "cores"}
"""Checks that are not ok on a good machine without MPI, without Slurm, in a container."""


def doctor(campaign, *arguments, **more_environment):
    """Run the program in a directory, or with a file."""
    ended = subprocess.run(
        [sys.executable, "-m", "cvzmpi", "doctor", str(campaign), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(**more_environment),
        cwd=campaign if Path(campaign).is_dir() else None,
        timeout=300,
    )
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


def findings(campaign, **more_environment):
    """The exit status, and the findings by name."""
    status, printed = doctor(campaign, "--json", **more_environment)
    found = json.loads(printed)
    assert [finding["what"] for finding in found] == NAMES
    assert all("\n" not in finding["says"] for finding in found)
    assert all(finding["remedy"] for finding in found if finding["level"] == "problem")
    assert (status == 2) == any(finding["level"] == "problem" for finding in found)
    return status, {finding.pop("what"): finding for finding in found}


def tree(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*")}


@pytest.fixture
def campaign(tmp_path, models):
    """The directory of a campaign with two light curves, and an archive on no network."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    archive = {"address": mirror.as_uri(), "listings": f"{mirror.as_uri()}/{{sector}}"}
    configured(tmp_path, archive=archive)
    simulate(tmp_path / "input", 2)
    return tmp_path


def test_a_campaign_that_works_is_told_so_and_nothing_is_changed(campaign):
    before = tree(campaign)
    status, found = findings(campaign)
    assert status == 0, found
    assert tree(campaign) == before
    assert {found[name]["level"] for name in NAMES if name not in MAY_BE_NOTES} == {"ok"}


def test_people_get_ten_lines(campaign):
    status, printed = doctor(campaign / "cvzmpi.toml")
    lines = printed.splitlines()
    assert (status, len(lines)) == (0, 10)
    assert [line.split()[1] for line in lines] == NAMES
    assert {line.split()[0] for line in lines} <= {"ok", "note"}


def test_a_problem_has_its_remedy_on_its_line(campaign):
    (campaign / "output").write_text("")
    status, printed = doctor(campaign)
    assert status == 2
    (line,) = [line for line in printed.splitlines() if line.startswith("problem")]
    assert line.endswith("output is no directory -> let output.directory name another")


def test_what_init_writes_is_fit(call, models, tmp_path):
    call("init", tmp_path / "campaign")
    status, found = findings(tmp_path / "campaign")
    assert (status, found["campaign"]["level"]) == (0, "note")
    assert "no FITS file" in found["campaign"]["says"]


def test_without_a_campaign_the_machine_is_looked_at(models, tmp_path):
    status, found = findings(tmp_path)
    assert (status, found["campaign"]["level"]) == (0, "note")
    assert "cvzmpi init" in found["campaign"]["remedy"]
    assert str(tmp_path / "output") in found["output"]["says"]
    assert list(tmp_path.iterdir()) == []


def test_with_a_wrong_configuration_the_machine_is_looked_at(tmp_path):
    (tmp_path / "cvzmpi.toml").write_text("sed = 1")
    status, found = findings(tmp_path)
    assert status == 2
    assert "unknown key 'sed'" in found["campaign"]["says"]
    left_out = {name for name in NAMES if found[name]["says"].startswith("not looked at")}
    assert left_out == {"output", "models", "ledger", "archive"}
    assert found["HDF5"]["level"] == "ok"


def test_with_nearly_nothing_installed_every_line_is_there(tmp_path):
    configured(tmp_path, ledger={"url": "postgresql://nobody@127.0.0.1:1/none"})
    missing = ("mpi4py", "h5py", "numpy", "requests", "psycopg", "sqlalchemy", "tenacity")
    status, found = findings(
        tmp_path,
        PYTHONPATH=without(tmp_path / "site", *missing),
        PATH=programs(tmp_path / "programs"),
    )
    assert status == 2
    problems = {name for name in NAMES if found[name]["level"] == "problem"}
    assert problems == {"HDF5", "models", "ledger", "archive"}
    assert found["MPI"]["level"] == found["queue"]["level"] == "note"
    assert 'pip install "cvzmpi[postgres]"' in found["ledger"]["remedy"]


@pytest.mark.skipif(
    Path(sys.executable).with_name("mpirun").exists(), reason="an mpirun is beside this Python"
)
def test_interrupted_it_leaves_neither_files_nor_processes(tmp_path, campaign):
    pytest.importorskip("mpi4py")
    pid_file = tmp_path / "pid"
    hangs = tmp_path / "programs" / "mpirun"
    hangs.parent.mkdir()
    hangs.write_text(
        "#!/usr/bin/env bash\n[ $1 = --version ] && exit\n"
        f"echo $$ >{pid_file}.new && mv {pid_file}.new {pid_file}\nexec sleep 1000\n"
    )
    hangs.chmod(0o755)
    process = start(["doctor"], cwd=campaign, PATH=f"{hangs.parent}:{os.environ['PATH']}")
    wait_until(pid_file.exists, "the launcher that hangs")
    before = tree(campaign)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.strip()) == (130, "cvzmpi: interrupted")
    assert tree(campaign) == before
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
