"""The whole way: simulated Level 1 data of ViSP, from the scan to the published inversion."""

import shutil
import warnings

import numpy as np
import pytest

from cvzmpi.ledger import Ledger
from cvzmpi.level2.maps.level1 import read_level1
from cvzmpi.level2.product.check import check_product
from cvzmpi.level2.product.files.file_names import directory_name
from tests.level2.example_rows import OP, calcium, row
from tests.level2.simulated_calcium import simulate_calcium
from tests.level2.simulated_level1 import simulate_level1
from tools.harness import job_process


@pytest.fixture
def campaign(store, example, campaign):
    """The directory of a campaign, with a store that knows the example's dataset."""
    store.datasets = [example.row(), calcium()]
    shutil.copytree(example.level1, campaign / "level1" / "pid_1_118" / example.dataset_id)
    return campaign


@pytest.fixture
def run(campaign):
    """Run `cvzmpi level2 run` on some ranks; what it printed."""

    def run(ranks, status=0):
        ended = job_process.run(["level2", "run"], ranks=ranks, cwd=campaign)
        assert ended.status == status, ended.stderr
        return ended.stdout

    return run


def test_from_the_scan_to_the_published_inversion(campaign, cvzmpi, run, store, example):
    assert cvzmpi("scan") == "2 datasets, 1 Observing Program; 1 new program, 2 new datasets\n"
    assert cvzmpi("qualify") == "1 found invertible, 0 not; 0 wait for more datasets\n"
    assert cvzmpi("preprocess") == "1 prepared, 0 failed\n"
    inversion_id = run(ranks=3).partition(f"{OP}: inverted, ")[2].strip()
    assert cvzmpi("publish") == f"{OP}: published, {inversion_id}\n"
    for again in ("preprocess", "publish"):  # there is nothing left to do
        cvzmpi(again)

    (record,) = store.inversions
    assert record["inversionId"] == inversion_id
    assert record["datasetIds"] == [example.dataset_id]
    directory = campaign / "buckets" / record["bucket"] / "pid_1_118" / directory_name(inversion_id)
    assert directory / record["asdfObjectKey"].rpartition("/")[2] == min(directory.glob("*.asdf"))
    assert len(list(directory.glob("*.fits"))) == 3

    with Ledger.open(campaign / "ledger.sqlite", create=False) as ledger:
        states = [event.to_state.value for event in ledger.history(OP)]
    assert states == ["discovered", "qualified", "preprocessed", "working", "done", "published"]
    assert "Published" in cvzmpi("list")

    import dkist

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inversion = dkist.load_dataset(directory)
    assert isinstance(inversion, dkist.Inversion)
    found = {"mag_strength", "mag_inclination", "mag_azimuth", "velocity"}
    assert set(inversion) == found | {f"{name}_uncertainty" for name in found}
    assert set(inversion.profiles) == {"FeI630_orig", "FeI630_fit"}
    field = inversion["mag_strength"].data.compute()
    assert field.shape == (3, 8)
    assert np.isfinite(field).all()
    original, fit = (
        inversion.profiles[f"FeI630_{kind}"].data.compute() for kind in ("orig", "fit")
    )
    assert original.shape == fit.shape == (3, 8, *original.shape[2:])
    assert np.abs(original - fit).std() < 3e-3


def test_all_maps_of_a_dataset_are_published_each_as_an_inversion(campaign, cvzmpi, run, store):
    level1 = campaign / "level1" / "new"
    simulate_level1(level1, n_steps=2, n_slit=6, n_maps=2)
    inventory = read_level1(level1).inventory
    level1.rename(level1.with_name(inventory["datasetId"]))
    same = ("datasetId", "startTime", "endTime", "wavelengthMin", "wavelengthMax", "exposureTime")
    store.datasets = [row(**{key: inventory[key] for key in same}), calcium()]
    for step in ("scan", "qualify"):
        cvzmpi(step)
    assert cvzmpi("preprocess") == "1 prepared, 0 failed; 2 maps\n"
    ids = [line.partition(f"{OP}: inverted, ")[2] for line in run(ranks=2).splitlines()]
    assert cvzmpi("publish") == "".join(f"{OP}: published, {i}\n" for i in ids)
    assert [record["inversionId"] for record in store.inversions] == ids
    begins = set()
    for inversion_id in ids:
        directory = campaign / "buckets" / "data" / "pid_1_118" / directory_name(inversion_id)
        product = check_product([directory])
        assert (product.inversion_id, product.shape) == (inversion_id, [2, 6])
        begins |= {path.name.partition("_2")[2] for path in directory.glob("*.fits")}
    assert len(begins) == 4, "each scan position of each map has its own time"


def test_a_program_with_both_arms_gets_an_inversion_and_a_map_of_calcium(
    campaign, cvzmpi, run, store, example
):
    level1 = campaign / "level1" / "new"
    simulate_calcium(level1, n_steps=2, n_slit=6)
    inventory = read_level1(level1).inventory
    level1.rename(level1.with_name(inventory["datasetId"]))
    same = ("datasetId", "startTime", "endTime", "wavelengthMin", "wavelengthMax", "exposureTime")
    store.datasets = [example.row(), calcium(**{key: inventory[key] for key in same})]
    with (campaign / "cvzmpi.toml").open("a") as file:
        file.write("\n[maps]\ncalcium = true\n")
    for step in ("scan", "qualify"):
        cvzmpi(step)
    assert cvzmpi("preprocess") == "1 prepared, 0 failed; 2 maps\n"
    ids = [line.partition(f"{OP}: inverted, ")[2] for line in run(ranks=3).splitlines()]
    shown = cvzmpi("show", OP)
    assert "Milne-Eddington" in shown
    assert "weak-field approximation" in shown
    assert cvzmpi("publish") == "".join(f"{OP}: published, {i}\n" for i in ids)
    of = {record["inversionId"]: record["datasetIds"] for record in store.inversions}
    assert of == {ids[0]: [example.dataset_id], ids[1]: [inventory["datasetId"]]}
    lines = []
    for inversion_id in ids:
        directory = campaign / "buckets" / "data" / "pid_1_118" / directory_name(inversion_id)
        lines += check_product([directory]).lines
    assert lines == ["FeI630", "CaII854"]


def test_a_map_that_cannot_be_inverted_brings_its_program_into_error(campaign, cvzmpi, run):
    for step in ("scan", "qualify", "preprocess"):
        cvzmpi(step)
    (prepared,) = (campaign / "maps" / "prepared").glob("*.h5")
    whole = prepared.read_bytes()
    prepared.write_bytes(whole[:1000])
    run(ranks=2, status=1)
    assert "Error" in cvzmpi("list")
    assert "invert: " in cvzmpi("show", OP)

    prepared.write_bytes(whole)
    assert cvzmpi("retry", OP) == f"{OP}: Invertible again\n"
    assert f"{OP}: inverted, inv." in run(ranks=2)
