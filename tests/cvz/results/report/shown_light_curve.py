"""The script of a light curve, opened as the browser opens it."""

import json
import re

import numpy as np

from cvzmpi.web.packed_arrays import unpacked

FLARING = 128


def data_of(script):
    """What a script hands over."""
    return json.loads(re.match(r"cvzmpi\.lightCurve\(\d+, \d+, (.*)\);\n", script)[1])


def columns_of(data):
    """Every row: time, flux, error, mean, sd and probability, NaN where there is none."""
    arrays = {
        name: np.frombuffer(unpacked(array), f"<{array['type']}")
        for name, array in data["arrays"].items()
    }
    rows = np.arange(data["n_cadences"])
    late = np.interp(rows, arrays["late_rows"], arrays["late"])
    columns = {"time": data["start"] + rows * data["exposure"] + late / 86400}
    for name in ("mean", "sd"):
        if name in arrays:
            columns[name] = np.cumsum(np.cumsum(arrays[name], dtype=int)) * data["model_step"]
    flux = columns.get("mean", 1.0) + arrays["flux"] * data["flux_step"]
    flux[arrays["far_rows"]] = arrays["far"]
    columns["flux"] = np.where(arrays["flux"] == -32768, np.nan, flux)
    columns["error"] = arrays["error"] * data["error_step"]
    probability = arrays["probability"] * data["probability_step"]
    columns["probability"] = np.where(arrays["probability"] == 255, np.nan, probability)
    columns["quality"] = arrays["quality"]
    columns["state"] = np.array(data["states"])[arrays["state"] % FLARING]
    columns["flaring"] = (arrays["state"] & FLARING) != 0
    return columns
