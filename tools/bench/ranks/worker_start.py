"""A worker rank from its start until it could take its first light curve.

A program for mpirun, which does in this order what `cvzmpi run` does before the first assignment.
Prints, as JSON, the seconds since the process was created: `ready`, and `complete` when also what a
leader imports with its first light curve is there: astropy for FITS files and the periodogram,
celerite2.
"""
# ruff: noqa: E402, F401

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from cvzmpi.mpi.launch import World, pin_to_one_core


def age() -> float:
    """Seconds since the operating system created this process, to a hundredth."""
    after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    created = int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # since boot; field 22 of all
    return time.clock_gettime(time.CLOCK_BOOTTIME) - created


pin_to_one_core()
World.start()  # MPI_Init

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.work.campaign import CvzCampaign
from cvzmpi.scheduler import job

CvzCampaign.begin(Config()).prepare()
ready = age()

import astropy.io.fits
import astropy.timeseries
import celerite2.backprop

print(json.dumps({"ready": ready, "complete": age()}))
