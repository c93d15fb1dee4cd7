"""A Slurm cluster of two virtual nodes on this machine, as the tests see it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tools.harness import job_process
from tools.harness.job_process import ROOT, environment

CKPT, NODE = ROOT / "jobs" / "cvz_ckpt.slurm", ROOT / "jobs" / "cvz_node.slurm"
N_LIGHT_CURVES = 6  # of the campaign that the tests run
SCRIPT = Path(__file__).with_name("cluster.sh")
CANNOT = 3  # exit status of cluster.sh where it cannot be brought up
WAIT = 600.0
"""Seconds after which what does not come is an error; a quiet machine takes a tenth of it."""

wait_until = partial(job_process.wait_until, seconds=WAIT)

# The virtual nodes speak over loopback, which Open MPI does not expect, and share two cores.
_OPEN_MPI = {
    "OMPI_MCA_btl_tcp_if_include": "lo",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
}


class NoClusterError(Exception):
    """No cluster can be brought up here; says why."""


class SlurmCluster:
    """Starts with `with`, and ends with all its jobs when that is left."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.environment = environment(
            SLURM_CONF=str(directory / "slurm.conf"), PYTHON=sys.executable, **_OPEN_MPI
        )

    def __enter__(self) -> SlurmCluster:
        started = subprocess.run(
            [SCRIPT, "start", self._directory], capture_output=True, text=True, check=False
        )
        if started.returncode == CANNOT:
            raise NoClusterError(started.stderr.strip())
        assert started.returncode == 0, started.stderr
        return self

    def __exit__(self, *error: object) -> None:
        stopped = subprocess.run(
            [SCRIPT, "stop", self._directory], capture_output=True, text=True, check=False
        )
        assert stopped.returncode == 0, stopped.stderr

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command that speaks to the cluster."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def ask(self, *command: str | Path) -> str:
        """What a command that must succeed printed."""
        ended = self.run(*command)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def submit(self, *arguments: str | Path) -> str:
        """Submit a job; its id."""
        return self.ask("sbatch", "--parsable", *arguments)

    def facts(self, job: str) -> dict[str, str]:
        """What `scontrol show job` says."""
        words = self.ask("scontrol", "show", "job", "--oneliner", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def state(self, job: str) -> str:
        return self.facts(job)["JobState"]

    def restarts(self, job: str) -> int:
        return int(self.facts(job)["Restarts"])

    @contextmanager
    def nodes_taken(self) -> Iterator[None]:
        """Preempt everything, with a job of a partition that goes first, and hold the nodes."""
        arguments = ("--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null")
        job = self.submit(*arguments, "--wrap=exec sleep 3600")
        try:
            wait_until(lambda: self.state(job) == "RUNNING", "the preempting job")
            yield
        finally:
            self.ask("scancel", job)

    def preempt(self, job: str, log: Path) -> None:
        """Take the nodes away from a job, until it is in the queue again."""
        with self.nodes_taken():
            wait_until(lambda: self.state(job) == "PENDING", "the requeue", log)

    def wait_for_end(self, job: str, log: Path) -> dict[str, str]:
        """Wait until a job has ended for good; how."""
        ended = ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL")
        wait_until(lambda: self.state(job) in ended, f"the end of job {job}", log)
        return self.facts(job)
