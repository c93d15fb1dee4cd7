"""Directories in which the commands of the pages are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.code_blocks import ROOT
from tools.harness.job_process import environment


@pytest.fixture(scope="session")
def documented_environment():
    """As the pages suppose it: `cvzmpi` and `mpiexec` on PATH, and no terminal."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    open_mpi = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_MCA_hwloc_base_binding_policy": "none",
        "OMPI_MCA_btl": "^tcp",
        "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    }
    return environment(PATH=path, MPLBACKEND="agg", COLUMNS="120", PYTHONPATH=str(ROOT), **open_mpi)


@pytest.fixture(scope="session")
def finished_campaign(tmp_path_factory):
    """A campaign that is done: `input`, `output` and `cvzmpi.toml`."""
    directory = tmp_path_factory.mktemp("finished")
    (directory / "cvzmpi.toml").write_text("[inject]\nn_inject = 80\nn_repeat = 2\n")
    cvzmpi = [sys.executable, "-m", "cvzmpi"]
    simulate = ["simulate", "input", "--stars", "2", "--cadences", "3000", "--seed", "3"]
    for arguments in (simulate, ["run"]):
        subprocess.run(
            [*cvzmpi, *arguments], cwd=directory, env=environment(), check=True, capture_output=True
        )
    return directory


@pytest.fixture
def prepared(tmp_path, request):
    """The directory in which the commands of a page are run, with what the page supposes."""

    def prepare(page: Path) -> Path:
        if page.name in {"README.md", "first-flares.md"}:
            shutil.copy(request.getfixturevalue("demo_file"), tmp_path / "flares.fits")
        if page.name in {"results.md", "ledger.md"}:
            shutil.copytree(
                request.getfixturevalue("finished_campaign"), tmp_path, dirs_exist_ok=True
            )
        return tmp_path

    return prepare
