"""Sector files of units as a campaign left them an hour ago."""

import os
import time

import numpy as np

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from tests.cvz.example_file import write_example
from tests.edited_hdf5 import edited


def write_unit(output, tic, sector, **how):
    """The sector file of some light curve, an hour old."""
    path = LightCurveId(tic, sector).path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_example(path, **how)
    with edited(path) as file:
        file.attrs.modify("tic", np.int64(tic))
        file.attrs.modify("sector", np.int64(sector))
        file.attrs.modify(CHECKSUM, content_checksum(file))
    return settle(path)


def settle(path):
    """Let the file have been changed an hour ago."""
    then = time.time() - 3600
    os.utime(path, (then, then))
    return path
