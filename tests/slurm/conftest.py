"""Tests on a real Slurm. They run when asked for with CVZMPI_SLURM=1 (`make test-slurm`).

With CVZMPI_SLURM=required, it is an error if the cluster cannot be brought up.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from cvzmpi.cvz.simulation.simulate import simulate_campaign
from tests.slurm.slurm_cluster import N_LIGHT_CURVES, WAIT, NoClusterError, SlurmCluster
from tools.harness.hdf5_content import contents
from tools.harness.job_process import run

WANTED = os.environ.get("CVZMPI_SLURM", "")
SETTINGS = """
seed = 11
[input]
directory = "{input}"
[inject]
n_inject = 1000
[checkpoint]
interval = 1.0
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "slurm: needs a Slurm cluster; run with make test-slurm")


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("slurm")
            if not WANTED:
                item.add_marker(pytest.mark.skip(reason="on a real Slurm: make test-slurm"))


@pytest.fixture(scope="session")
def cluster():
    """The cluster, for all tests."""
    # Not pytest's own directory: munged wants to have its socket where all can go.
    directory = Path(tempfile.mkdtemp(prefix="cvzmpi-slurm-", dir="/tmp"))
    try:
        with SlurmCluster(directory) as cluster:
            yield cluster
    except NoClusterError as error:
        if WANTED == "required":
            pytest.fail(str(error))
        pytest.skip(str(error))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def settings(models, tmp_path_factory):
    """The text of a campaign's cvzmpi.toml, about half a minute's work for two cores."""
    directory = tmp_path_factory.mktemp("input")
    simulate_campaign(directory, N_LIGHT_CURVES, 3)
    return SETTINGS.format(input=directory)


@pytest.fixture(scope="session")
def undisturbed(settings, tmp_path_factory):
    """What a run that nobody disturbed leaves."""
    directory = tmp_path_factory.mktemp("undisturbed")
    (directory / "cvzmpi.toml").write_text(settings)
    ended = run([], ranks=3, cwd=directory, timeout=WAIT)
    assert ended.status == 0, ended.stderr
    found = contents(directory / "output")
    assert len(found) == N_LIGHT_CURVES
    return found


@pytest.fixture
def campaign(settings, tmp_path):
    """The directory of a campaign."""
    directory = tmp_path / "campaign"
    directory.mkdir()
    (directory / "cvzmpi.toml").write_text(settings)
    return directory
