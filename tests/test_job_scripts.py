"""Job scripts are found from the package, in a checkout as where pip put it."""

from pathlib import Path

import pytest

import cvzmpi
from cvzmpi.errors import ConfigError
from cvzmpi.job_scripts import job_script

PACKAGE = Path(cvzmpi.__file__).parent


def test_they_are_in_the_package():
    path = job_script("run_in_slurm.sh")
    assert path.is_relative_to(PACKAGE)
    assert path.read_text().startswith("#!/usr/bin/env bash")


def test_one_that_is_not_there_is_one_line():
    with pytest.raises(ConfigError, match=r"other\.sh: this job script is missing"):
        job_script("other.sh")
