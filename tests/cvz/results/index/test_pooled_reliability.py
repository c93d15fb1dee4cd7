"""Reliabilities in the index: those that the estimate gives for all light curves of a campaign."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from mpi4py import MPI

import cvzmpi
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.reliability.estimate import estimate_reliability
from cvzmpi.cvz.reliability.events import Events, LightCurves
from cvzmpi.cvz.reliability.statistic import MIN_SNR, counted_families
from cvzmpi.cvz.results.index.build import update_index
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.sector_file.checks import CHECKSUM, content_checksum
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import other_events, settle, write_unit
from tests.edited_hdf5 import edited

UNITS = [(1001, 1), (1001, 2), (2001, 1), (1002, 13), (1003, 4)]
OLD = (2001, 1)
"""Of format version 1."""


def update(output, search=Search.SIGNIFICANCE):
    return update_index(output, World(MPI.COMM_SELF), search)


def rows(output, name="light_curves"):
    return pq.read_table(table_path(output / "index", name)).to_pylist()


def write_campaign(output, units=UNITS):
    for unit in units:
        write_unit(
            output, *unit, change=other_events(UNITS.index(unit)), version=1 if unit == OLD else 2
        )
    write_unit(output, 4004, 1, model=False)
    return output


@pytest.fixture
def output(tmp_path):
    return write_campaign(tmp_path / "output")


def expected(output, search, units):
    """The estimate for light curves of version 2, from their files in whatever order."""
    files = [cvzmpi.read(LightCurveId(*unit).path(output), search) for unit in units]
    curves, found, mirrored = [], [], []
    for row, file in enumerate(files):
        curve = file.data.light_curve
        used = curve.usable(file.quality_bitmask)
        noise = np.median(curve.flux_err[used].astype(float)) / np.median(
            curve.flux[used].astype(float)
        )
        curves.append((file.tic, noise, curve.header["TESSMAG"], 2))
        for table, events in ((file.data.flares, found), (file.data.mirror_events, mirrored)):
            columns = (table[name] for name in ("found_by", "snr", "max_probability"))
            events += [(row, *values) for values in zip(*columns, strict=True)]
    tables = (
        Events(*(np.array(column) for column in zip(*events, strict=True)))
        for events in (found, mirrored)
    )
    arrays = (np.array(column) for column in zip(*curves, strict=True))
    return estimate_reliability(LightCurves(*arrays), *tables, counted_families(search)), found


@pytest.mark.parametrize("search", Search)
def test_they_are_those_of_the_estimate_for_any_search(output, search):
    update(output, search)
    units = [unit for unit in reversed(UNITS) if unit != OLD]
    estimate, found = expected(output, search, units)
    flares = [f for f in rows(output, "flares") if (f["tic"], f["sector"]) != OLD]
    chosen = {
        (*units[row], float(np.float32(snr))): number
        for number, (row, found_by, snr, _) in enumerate(found)
        if search.flares(np.array([found_by]))[0]
    }
    assert len(flares) == len(chosen) > 2
    for flare in flares:
        number = chosen[flare["tic"], flare["sector"], flare["snr"]]
        assert flare["reliability"] == pytest.approx(estimate.reliability[number], rel=1e-6)
        assert flare["background"] == pytest.approx(estimate.background[number], rel=1e-9)
    assert len({flare["reliability"] for flare in flares}) > 2
    light_curves = {(row["tic"], row["sector"]): row for row in rows(output)}
    for number, unit in enumerate(units):
        row = light_curves[unit]
        own = [f["reliability"] for f in flares if (f["tic"], f["sector"]) == unit]
        assert row["n_true"] == pytest.approx(sum(own))
        for name in ("n_false", "background_error", "n_pooled"):
            assert row[name] == pytest.approx(getattr(estimate, name)[number], rel=1e-9), name


def test_what_has_no_mirror_images_takes_no_part(output):
    update(output)
    old, detected = (
        next(row for row in rows(output) if row["tic"] == tic) for tic in (OLD[0], 4004)
    )
    for row in (old, detected):
        assert row["n_images"] == 0
        assert row["n_true"] is row["n_false"] is row["n_pooled"] is None
    flares = [flare for flare in rows(output, "flares") if flare["tic"] == OLD[0]]
    assert flares
    assert all(np.isnan([f["reliability"], f["background"]]).all() for f in flares)
    assert OLD[0] not in {event["tic"] for event in rows(output, "events")}


def test_the_events_are_all_that_either_search_found(output):
    update(output, Search.BOTH)
    events = [e for e in rows(output, "events") if (e["tic"], e["sector"]) == (1001, 2)]
    data = cvzmpi.read(LightCurveId(1001, 2).path(output)).data
    assert [e["image"] for e in events] == [0, 0, 1, 2]
    for name in ("peak", "snr", "found_by", "max_probability"):
        both = [*data.flares[name].tolist(), *data.mirror_events[name].tolist()]
        assert [event[name] for event in events] == both


def test_they_do_not_depend_on_the_order_in_which_files_came(output, tmp_path):
    update(output)
    late = write_campaign(tmp_path / "late", UNITS[3:])
    update(late)
    write_campaign(late)
    update(late)
    for name in ("flares", "events"):
        np.testing.assert_equal(rows(late, name), rows(output, name))
    for one, other in zip(rows(late), rows(output), strict=True):
        assert one["n_false"] == other["n_false"]


def test_a_new_light_curve_makes_those_of_all_anew(output):
    update(output)
    before = [f["reliability"] for f in rows(output, "flares") if f["tic"] == 1002]
    for sector in range(20, 30):
        write_unit(output, 1003, sector, change=other_events(3))
    assert update(output).n_read == 10
    after = [f["reliability"] for f in rows(output, "flares") if f["tic"] == 1002]
    assert before != after


def test_thresholds_are_the_lowest_that_occur(output):
    path = LightCurveId(1002, 13).path(output)
    with edited(path) as file:
        config = json.loads(file.attrs["config"]) | {"significance.min_snr": 4.0}
        file.attrs["config"] = json.dumps(config, sort_keys=True)
        file.attrs.modify(CHECKSUM, content_checksum(file))
    settle(path)
    update(output)
    assert {row["min_snr"] for row in rows(output)} == {None, 4.0, MIN_SNR}
    units = [unit for unit in UNITS if unit != OLD]
    usual, _ = expected(output, Search.SIGNIFICANCE, units)
    lower = [row["n_false"] for row in rows(output) if row["n_images"]]
    assert not np.allclose(sorted(lower), sorted(usual.n_false), rtol=1e-3)


def test_what_the_stars_of_a_sector_have_in_common_is_hardly_reliable(tmp_path):
    """Fourteen stars have a flare at the same times, as the example file has them."""
    output = tmp_path / "output"
    for number in range(14):
        write_unit(output, 5001 + number, 7)
    update(output)
    flares = rows(output, "flares")
    assert {flare["n_coincident"] for flare in flares} == {13}
    alone = tmp_path / "alone"
    write_unit(alone, 5001, 7)
    update(alone)
    assert rows(alone, "flares")[0]["n_coincident"] == 0
    assert max(flare["reliability"] for flare in flares) < 0.6
    assert all(flare["background"] > 0 for flare in flares)
