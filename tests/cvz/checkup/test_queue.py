"""The queue: no Slurm, and one that does not answer; tests/slurm has one that does."""

import shutil

import pytest

from cvzmpi.cvz.checkup.finding import Level
from cvzmpi.cvz.checkup.queue import check_queue
from tests.cvz.checkup.broken_machine import programs


def test_without_slurm_there_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", programs(tmp_path / "programs", "bash"))
    finding = check_queue()
    assert finding.level is Level.NOTE
    assert finding.says.startswith("no Slurm: ")


@pytest.mark.skipif(shutil.which("sbatch") is None, reason="Slurm is not installed")
def test_a_slurm_that_does_not_answer_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    finding = check_queue()
    assert finding.level is Level.NOTE
    assert finding.says.startswith("Slurm does not answer: ")
