"""The start of a rank: which files it asks for, and what that costs on a slow file system."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.bench.campaign_costs.file_calls import FileCalls, slowed, trace
from tools.bench.measuring.timing import cpu_of_process

# What `cvzmpi run` does before the first assignment, and what the first light curve imports.
START = """
from cvzmpi.mpi.launch import World, pin_to_one_core
pin_to_one_core()
World.start()
from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.scheduler import job
CvzCampaign.begin(Config()).prepare()
import astropy.io.fits
import astropy.timeseries
import celerite2.backprop
"""
_ENVIRONMENT = """
import importlib.metadata, os, sys
files = (os.path.join(place, name) for place, _, names in os.walk(sys.prefix) for name in names)
print(len({d.name for d in importlib.metadata.distributions()}))
print(sum(os.lstat(path).st_size for path in files))
"""
SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""Python does not look for modules in the directory where it is started."""


@dataclass(frozen=True)
class RankStart:
    """What the start of one rank asks of the file system."""

    n_packages: int
    """Installed where it is started: some of them are looked at in every start."""
    n_bytes: int
    """Of all files there, which is what a copy of it takes."""
    calls: FileCalls
    in_campaign: int
    """Calls about the directory where the job is started, which all ranks share."""
    in_campaign_safe: int
    """The same with `SAFE_PATH`."""
    cpu_seconds: float
    slowed: dict[int, float]
    """Seconds until it is ready, by the microseconds that each call waits; 0 has strace too."""


def measure(
    scratch: Path, python: str = sys.executable, waits: tuple[int, ...] = (0, 200, 1000)
) -> RankStart:
    """Start a rank some times, in the Python of an environment that has cvzmpi and an MPI."""
    campaign = scratch / "campaign"
    campaign.mkdir()
    command = [python, "-c", START]
    subprocess.run(command, cwd=campaign, check=True, stdout=subprocess.DEVNULL)  # compiles
    calls = trace(command, campaign, scratch)
    safe = trace(command, campaign, scratch, **SAFE_PATH)
    told = subprocess.run([python, "-c", _ENVIRONMENT], check=True, capture_output=True, text=True)
    n_packages, n_bytes = map(int, told.stdout.split())
    return RankStart(
        n_packages,
        n_bytes,
        calls,
        calls.about(campaign),
        safe.about(campaign),
        min(cpu_of_process(command, cwd=campaign) for _ in range(3)),
        {wait: slowed(command, campaign, wait) for wait in waits},
    )
