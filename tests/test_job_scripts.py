"""Job scripts are found from the package, and what they start on each node is what is meant."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import cvzmpi
from cvzmpi.errors import ConfigError
from cvzmpi.job_scripts import job_script
from tests.docs.code_blocks import blocks_tested_by

PACKAGE = Path(cvzmpi.__file__).parent


def test_they_are_in_the_package():
    path = job_script("run_in_slurm.sh")
    assert path.is_relative_to(PACKAGE)
    assert path.read_text().startswith("#!/usr/bin/env bash")


def test_one_that_is_not_there_is_one_line():
    with pytest.raises(ConfigError, match=r"other\.sh: this job script is missing"):
        job_script("other.sh")


@pytest.fixture
def bash(tmp_path):
    """Run lines of a job script in a campaign; `srun` starts a program once, on this machine."""
    srun = tmp_path / "commands" / "srun"
    srun.parent.mkdir()
    srun.write_text('#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\nexec "$@"\n')
    srun.chmod(0o755)

    def run(*arguments, **variables):
        variables |= {"SLURM_JOB_ID": "7", "SLURM_NNODES": "1", "TMPDIR": str(tmp_path / "disk")}
        variables["PATH"] = f"{srun.parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", *arguments],
            cwd=tmp_path,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.skipif(sys.version_info < (3, 11), reason="PYTHONSAFEPATH is of Python 3.11")
def test_a_job_imports_nothing_from_the_directory_of_the_campaign(bash, tmp_path):
    (tmp_path / "click.py").write_text("raise SystemExit('imported from the campaign')\n")
    (tmp_path / "cvzmpi.toml").touch()
    slurm = {"SLURM_JOB_END_TIME": "0", "SLURM_JOB_NODELIST": "n1", "SLURM_NTASKS": "1"}
    script = str(job_script("run_in_slurm.sh"))
    ended = bash(script, ".", "--help", PYTHON=sys.executable, SRUN_MPI="pmix", **slurm)
    assert ended.returncode == 0, ended.stderr
    assert "Usage: " in ended.stdout


def test_the_environment_that_a_job_copies_to_its_nodes_is_one_of_its_own(bash, tmp_path):
    """The lines of docs/clusters.md: nothing of it is read from where it was packed."""
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=True)
    pack, unpack = blocks_tested_by("tests/test_job_scripts.py")
    packed = bash("-c", pack.text)
    assert packed.returncode == 0, packed.stderr
    (tmp_path / ".venv").rename(tmp_path / "elsewhere")
    (tmp_path / "disk").mkdir()
    ended = bash("-c", f'{unpack.text}\n"$PYTHON" -c "import sys; print(sys.prefix, *sys.path)"')
    assert ended.returncode == 0, ended.stderr
    prefix, *paths = ended.stdout.split()
    assert prefix == str(tmp_path / "disk" / "cvzmpi-7")
    assert any(path.startswith(prefix) for path in paths)
    assert not any(str(tmp_path / ".venv") in path for path in paths)
