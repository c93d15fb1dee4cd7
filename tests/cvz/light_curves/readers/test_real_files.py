"""Real light curves of any kind, in a directory that `CVZMPI_LIGHT_CURVES` names, to the report.

They are not part of the project. `docs/input.md` says which were tried, and where they are.
"""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from cvzmpi.cvz.light_curves.chosen_products import ALL_PRODUCTS
from cvzmpi.cvz.light_curves.exposure import NOMINAL_SECONDS
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.readers.any_file import read_file
from cvzmpi.cvz.results.index.place import table_path
from tools.harness.job_process import run

DIRECTORY = os.environ.get("CVZMPI_LIGHT_CURVES")
FILES = sorted(Path(DIRECTORY).glob("*.fits")) if DIRECTORY else []


pytestmark = pytest.mark.skipif(
    not FILES, reason="CVZMPI_LIGHT_CURVES names no directory of FITS files"
)


def test_real_files_are_read_with_the_exposure_that_their_times_have():
    for file in FILES:
        light_curve = read_file(file)
        seconds = light_curve.exposure_seconds
        assert min(abs(seconds / nominal - 1) for nominal in NOMINAL_SECONDS) < 1e-6, file
        steps = np.diff(light_curve.time[np.isfinite(light_curve.time)]) * 86400
        assert np.median(steps) == pytest.approx(seconds, rel=1e-3), file
        header = fits.getheader(file, 1)
        zero = header.get("BJDREFI")
        if zero is not None:
            raw = fits.getdata(file)["TIME"]
            raw, known = raw[np.isfinite(raw)], np.isfinite(light_curve.time)
            assert np.array_equal(light_curve.time[known], raw + (zero - 2457000)), file
        for key in ("CROWDSAP", "FLFRCSAP"):
            assert light_curve.header.get(key) == header.get(key), file
        assert light_curve.usable(16575).mean() > 0.4, file


def test_real_files_go_from_reading_to_the_report(tmp_path):
    sources, rejected = scan_directory(Path(DIRECTORY), products=ALL_PRODUCTS)
    assert rejected == []
    assert {source.id for source in sources} <= {read_file(file).id for file in FILES}
    output = tmp_path / "output"
    few = ["--set", "inject.n_inject=20", "--set", "inject.n_repeat=1"]
    few += ["--set", f"input.products={list(ALL_PRODUCTS.names)}"]
    ended = run(["run", "--input", DIRECTORY, "--output", output, *few])
    assert ended.status == 0, ended.stderr
    assert run(["index", output]).status == 0
    rows = pq.read_table(table_path(output / "index", "light_curves")).to_pylist()
    indexed = {LightCurveId(row["tic"], row["sector"], row["product"]) for row in rows}
    assert indexed == {source.id for source in sources}
    assert all(row["state"] == "done" for row in rows)
    assert run(["report", output, "--output", tmp_path / "report"]).status == 0
    assert (tmp_path / "report" / "index.html").exists()
