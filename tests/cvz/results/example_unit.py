"""Sector files of units as a campaign left them an hour ago."""

import os
import time

import numpy as np

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.light_curve import CATALOGUE, PRODUCT
from cvzmpi.cvz.product_names import SPOC_120
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from tests.cvz.example_file import write_example
from tests.edited_hdf5 import edited


def write_unit(output, tic, sector, product=SPOC_120, header=(), **how):
    """The sector file of some light curve, an hour old; of a `product` at 120 s."""
    light_curve = LightCurveId(tic, sector, product)
    path = light_curve.path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    if product != SPOC_120:
        maker = "kepler" if light_curve.catalogue != "TIC" else product.rpartition("-")[0]
        header = {PRODUCT: maker, CATALOGUE: light_curve.catalogue, **dict(header)}
    write_example(path, header=header, **how)
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


def other_events(number):
    """A change of light curve `number`: sizes of its events, and the searches that found them."""

    def change(data):
        flares, mirrored = data.flares, data.mirror_events
        n = len(flares["peak"])
        flares["found_by"] = np.resize([1 + number % 3, 3], n).astype(np.int8)
        flares["snr"] = np.resize([5.2 + number, 5.6], n).astype(np.float32)
        flares["max_probability"] = np.resize([0.7, 0.9], n).astype(np.float32)
        mirrored["snr"] = np.array([5.1 + number / 5, 5.3], np.float32)
        mirrored["found_by"] = np.array([1 + number % 3, 2], np.int8)
        data.light_curve.flux_err[:] *= 1 + number / 4
        data.light_curve.header["TESSMAG"] = 9.0 + number

    return change
