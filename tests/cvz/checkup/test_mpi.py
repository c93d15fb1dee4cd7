"""MPI and HDF5: with and without a library, a launcher, and one that does not fit."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.checkup.hdf5 import check_hdf5
from cvzmpi.cvz.checkup.mpi import check_mpi
from cvzmpi.cvz.configuration import Config
from tests.cvz.checkup.broken_machine import programs, without

needs_mpirun = pytest.mark.skipif(shutil.which("mpirun") is None, reason="no mpirun on PATH")
launcher_from_path = pytest.mark.skipif(
    Path(sys.executable).with_name("mpirun").exists(), reason="an mpirun is beside this Python"
)
TEAMS_OF_TWO = Config(ranks_per_team=2)


@needs_mpirun
def test_two_ranks_are_started_for_real():
    finding = check_mpi(Config())
    assert finding.level is Level.OK, finding
    assert finding.says.endswith("starts two ranks")


@needs_mpirun
@launcher_from_path
def test_without_a_launcher_there_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", programs(tmp_path / "programs", "bash"))
    finding = check_mpi(Config())
    assert finding.level is Level.NOTE
    assert "no mpirun on PATH" in finding.says


@needs_mpirun
@launcher_from_path
@pytest.mark.parametrize(
    ("starts", "reason"),
    [
        ('shift 2; "$@" & "$@"; wait', "is of another MPI: each rank is alone"),
        ("echo 'no slots' >&2; exit 213", "cannot start two ranks: no slots"),
    ],
)
def test_a_launcher_that_does_not_fit_is_a_problem(tmp_path, monkeypatch, starts, reason):
    launcher = tmp_path / "mpirun"
    launcher.write_text(f"#!/usr/bin/env bash\n[ $1 = --version ] && exit\n{starts}\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))  # where Slurm is, it is away
    finding = check_mpi(Config())
    assert finding.level is Level.PROBLEM
    assert reason in finding.says
    assert "first on PATH" in finding.remedy


@pytest.mark.parametrize(
    ("config", "level"), [(Config(), Level.NOTE), (TEAMS_OF_TWO, Level.PROBLEM)]
)
def test_without_a_library_only_teams_are_impossible(tmp_path, monkeypatch, config, level):
    monkeypatch.setenv("PYTHONPATH", without(tmp_path / "site", "mpi4py"))
    finding = check_mpi(config)
    assert finding.level is level
    assert "(ModuleNotFoundError: No module named 'mpi4py')" in finding.says
    assert 'pip install "cvzmpi[mpi]"' in finding.remedy


def test_hdf5_of_teams_is_as_a_job_finds_it():
    import h5py

    assert check_hdf5(Config()).level is Level.OK
    is_parallel = h5py.get_config().mpi
    assert check_hdf5(TEAMS_OF_TWO).level is (Level.OK if is_parallel else Level.PROBLEM)


def test_without_h5py_there_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", without(tmp_path / "site", "h5py"))
    finding = check_hdf5(Config())
    assert finding.level is Level.PROBLEM
    assert "No module named 'h5py'" in finding.says
