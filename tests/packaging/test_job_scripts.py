"""The job script of a campaign finds its cvzmpi, wherever that was installed."""

import os
import subprocess

import pytest

from tests.conftest import ROOT

SCRIPTS = ["cvz_ckpt.slurm", "cvz_node.slurm"]


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def job(tmp_path):
    """Run a job script as Slurm does: a copy, whose original only `scontrol` knows."""
    commands = tmp_path / "commands"
    package = tmp_path / "package" / "cvzmpi"
    # what both scripts go on with says which Python they found
    write_program(package / "jobs" / "run_in_slurm.sh", 'echo "$PYTHON runs $*"')

    def install(python):
        """An interpreter that has cvzmpi, as far as the scripts ask it."""
        return write_program(python, f"#!/bin/sh\necho {package}\n")

    def run(script, original, path="", **environment):
        answer = f"JobId=7 JobName=cvzmpi\n   Command={original} . --set input.targets=a/b.csv\n"
        (tmp_path / "job").write_text(answer)
        write_program(commands / "scontrol", f"#!/bin/sh\ncat {tmp_path / 'job'}\n")
        return subprocess.run(
            ["bash", ROOT / "jobs" / script, ".", "--set", "seed=2"],
            cwd=tmp_path,
            env={
                "PATH": f"{commands}:{path}:{os.defpath}",
                "SLURM_JOB_ID": "7",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    run.install = install
    return run


def runs_with(ended, python):
    found, _, arguments = ended.stdout.strip().partition(" runs ")
    assert ended.returncode == 0, ended.stderr
    assert arguments == ". --set seed=2"
    return os.path.realpath(found) == os.path.realpath(python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_of_a_checkout_it_is_the_python_of_its_venv(job, tmp_path, script):
    python = job.install(tmp_path / "a checkout" / ".venv" / "bin" / "python")
    (tmp_path / "a checkout" / "jobs").mkdir()
    assert runs_with(job(script, tmp_path / "a checkout" / "jobs" / script), python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_where_pip_put_it_it_is_the_python_of_that_environment(job, tmp_path, script):
    venv = tmp_path / "venv"
    python = job.install(venv / "bin" / "python")
    jobs = venv / "lib" / "python3.12" / "site-packages" / "cvzmpi" / "jobs"
    jobs.mkdir(parents=True)
    assert runs_with(job(script, jobs / script), python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_of_a_copied_script_it_is_that_of_the_command_on_path(job, tmp_path, script):
    python = job.install(tmp_path / "venv" / "bin" / "python")
    write_program(tmp_path / "venv" / "bin" / "cvzmpi", "#!/bin/sh\n")
    ended = job(script, tmp_path / "campaign" / script, path=tmp_path / "venv" / "bin")
    assert runs_with(ended, python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_of_a_command_apart_from_its_python_it_is_that_of_its_first_line(job, tmp_path, script):
    python = job.install(tmp_path / "opt" / "bin" / "python3.12")
    write_program(tmp_path / "home" / "bin" / "cvzmpi", f"#!{python}\n")
    ended = job(script, tmp_path / "campaign" / script, path=tmp_path / "home" / "bin")
    assert runs_with(ended, python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_is_named_comes_first(job, tmp_path, script):
    job.install(tmp_path / "checkout" / ".venv" / "bin" / "python")
    (tmp_path / "checkout" / "jobs").mkdir()
    python = job.install(tmp_path / "mine" / "python")
    ended = job(script, tmp_path / "checkout" / "jobs" / script, PYTHON=str(python))
    assert runs_with(ended, python)


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_any_it_is_one_line_that_says_what_to_set(job, tmp_path, script):
    ended = job(script, tmp_path / "campaign" / script)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("cvzmpi: no cvzmpi in PYTHON=")
    assert line.endswith(": set it at the top of this script")
