"""Job scripts are found in a checkout and in an installed package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import cvzmpi
from cvzmpi.errors import ConfigError
from cvzmpi.job_scripts import job_script

PACKAGE = Path(cvzmpi.__file__).parent
ROOT = PACKAGE.parent


def test_in_a_checkout_they_are_in_its_directory_jobs():
    assert job_script("run_in_slurm.sh") == ROOT / "jobs" / "run_in_slurm.sh"


def test_in_an_installed_package_they_are_in_the_package(tmp_path):
    installed = tmp_path / "cvzmpi"
    shutil.copytree(ROOT / "jobs", installed / "jobs")
    for module in ("__init__", "errors", "job_scripts", "redaction"):
        shutil.copy(PACKAGE / f"{module}.py", installed)
    code = "from cvzmpi.job_scripts import job_script; print(job_script('mpirun.sh'))"
    found = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True)
    assert Path(found.strip()) == installed / "jobs" / "mpirun.sh"


def test_one_that_is_not_there_is_one_line():
    with pytest.raises(ConfigError, match=r"no job script other\.sh was installed with it"):
        job_script("other.sh")


def test_the_launcher_of_the_tools_is_the_job_script():
    assert (ROOT / "tools" / "mpirun.sh").samefile(job_script("mpirun.sh"))
