"""`cvzmpi index`: every light curve once, only what changed is read, and nothing stops it."""

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from mpi4py import MPI

import cvzmpi
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.index import shard
from cvzmpi.cvz.results.index.build import MASTER, describe, update_index
from cvzmpi.cvz.results.index.columns import (
    EVENTS,
    POOLED_FLARES,
    POOLED_LIGHT_CURVES,
    SCHEMAS,
)
from cvzmpi.cvz.results.index.part import read_part
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.sector_file.paths import sector_files
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.errors import ConfigError
from cvzmpi.mpi.launch import World
from cvzmpi.storage.file_lock import FileLock
from tests.cvz.example_file import GP_FACTS
from tests.cvz.results.example_unit import settle, write_unit
from tests.edited_hdf5 import edited
from tests.main_job import FAST, simulate
from tools.harness.job_process import run, start

UNITS = [(1001, 1), (1001, 2), (2001, 1), (1002, 13)]


def update(output):
    return update_index(output, World(MPI.COMM_SELF))


def rows(output, name="light_curves"):
    return pq.read_table(table_path(output / "index", name)).to_pylist()


@pytest.fixture
def output(tmp_path):
    for unit in UNITS:
        write_unit(tmp_path / "output", *unit)
    return tmp_path / "output"


# ----------------------------------------------------------------- what is in it


def test_the_row_of_a_light_curve_says_what_its_file_has(output):
    report = update(output)
    assert (report.n_read, report.n_light_curves, report.n_flares) == (4, 4, 8)
    assert [(row["tic"], row["sector"]) for row in rows(output)] == sorted(
        UNITS, key=lambda unit: (unit[0] % 1000, *unit)
    )
    row = rows(output)[0]
    path = output / row["path"]
    assert path == LightCurveId(1001, 1).path(output)
    content = SectorContent.read(path)
    data, recovery = content.data, content.recovery
    assert (row["state"], row["checkpoint"]) == ("done", content.checkpoint)
    assert row["n_cadences"] == data.light_curve.n_cadences
    assert row["n_evaluated"] == np.isfinite(data.significance).sum()
    assert row["n_flaring"] == data.significance_mask.sum()
    assert (row["n_inject"], row["n_repeat"]) == (300, 4)
    assert row["recovered_fraction"] == recovery.fraction
    assert row["tess_magnitude"] == 9.87
    assert row["radius"] is None
    assert (row["gp_kernel"], row["gp_period_d"], row["gp_dQ"]) == ("rotation", 2.5, 3.0)
    assert row["gp_converged"] is True
    assert row["seconds_inject"] == 1.2
    with h5py.File(path) as file:
        assert row["content_sha256"] == file.attrs["content_sha256"]
    assert row["size"] == path.stat().st_size
    flares = cvzmpi.read(path).measured_flares
    assert row["largest_flare"] == flares["equivalent_duration"].max()
    assert row["largest_energy"] is row["energy_50"] is None  # there is no radius
    time = cvzmpi.read(path).search_time()
    assert (row["search"], row["evaluated"], row["searched"]) == (
        "significance",
        time.evaluated,
        time.searched,
    )
    assert 8 < row["equivalent_duration_50"] < 12  # what is found is decided at 10 s


def test_the_flares_are_those_of_all_files(output):
    update(output)
    flares = rows(output, "flares")
    assert [(f["tic"], f["sector"]) for f in flares[:3]] == [(1001, 1), (1001, 1), (1001, 2)]
    measured = cvzmpi.read(LightCurveId(1001, 1).path(output)).measured_flares
    del measured["reliability"]  # in the file, that of one light curve alone
    for name, values in measured.items():
        column = np.array([flare[name] for flare in flares[:2]], values.dtype)
        np.testing.assert_array_equal(column, values, err_msg=name)


def test_every_column_has_a_unit_and_a_meaning(output):
    update(output)
    tables = {"light_curves": POOLED_LIGHT_CURVES, "flares": POOLED_FLARES, "events": EVENTS}
    for name, columns in tables.items():
        schema = pq.read_schema(table_path(output / "index", name))
        assert schema.names == list(columns)
        assert all({b"unit", b"description"} <= field.metadata.keys() for field in schema)
        assert b"d" in {field.metadata[b"unit"] for field in schema}


@pytest.mark.parametrize("n_done", [0, 80])
def test_unfinished_light_curves_are_in_it(tmp_path, n_done):
    write_unit(tmp_path, 1001, 1, n_done=n_done)
    write_unit(tmp_path, 1001, 2, model=False)
    assert update(tmp_path).n_unfinished == 2
    injecting, detected = rows(tmp_path)
    assert (injecting["state"], injecting["n_inject_remaining"]) == ("unfinished", 300 - n_done)
    assert (injecting["recovered_fraction"] is None) == (n_done == 0)
    assert (detected["state"], detected["checkpoint"]) == ("unfinished", "detect")
    assert detected["n_inject_remaining"] is detected["gp_period_d"] is None


def test_an_empty_campaign_has_an_empty_index(tmp_path):
    assert update(tmp_path).n_light_curves == 0
    assert rows(tmp_path) == rows(tmp_path, "flares") == rows(tmp_path, "problems") == []


# ----------------------------------------------------------------- the master file


def test_one_file_opens_the_whole_campaign_even_when_it_is_moved(output, tmp_path):
    update(output)
    moved = shutil.move(output, tmp_path / "elsewhere")
    with h5py.File(Path(moved) / "index" / MASTER) as master:
        assert {(int(t), int(s)) for t in master for s in master[t]} == set(UNITS)
        assert master["1002/13"].attrs["tic"] == 1002
        assert master["1001/2/lc/flux"].shape == (2600,)


# ----------------------------------------------------------------- incremental


def test_a_second_run_reads_only_what_changed(output):
    assert update(output).changed
    parts = {path: path.stat().st_mtime_ns for path in output.glob("index/parts/*.part")}
    second = update(output)
    assert (second.n_read, second.changed) == (0, False)
    assert {path: path.stat().st_mtime_ns for path in parts} == parts

    write_unit(output, 1001, 2, flares=())
    write_unit(output, 3002, 5)
    third = update(output)
    assert (third.n_read, third.changed, third.n_light_curves, third.n_flares) == (2, True, 5, 8)
    assert [row["n_flares"] for row in rows(output)] == [2, 0, 2, 2, 2]


def test_what_is_gone_leaves_the_index(output):
    update(output)
    LightCurveId(1001, 2).path(output).unlink()
    shutil.rmtree(output / "002")
    report = update(output)
    assert (report.n_read, report.n_light_curves, report.n_flares) == (0, 2, 4)
    assert {flare["sector"] for flare in rows(output, "flares")} == {1}


def test_a_file_that_changed_just_before_it_was_read_is_read_again(output):
    update(output)
    path = LightCurveId(1001, 1).path(output)
    os.utime(path)  # another change might show no other time than this
    assert [update(output).n_read for _ in range(2)] == [1, 1]
    settle(path)
    assert [update(output).n_read for _ in range(2)] == [1, 0]


def test_a_torn_part_is_made_anew(output):
    update(output)
    part = output / "index" / "parts" / "001.part"
    part.write_bytes(part.read_bytes()[:-20])
    assert read_part(part)[1] is None
    report = update(output)
    assert (report.n_read, report.n_light_curves) == (3, 4)


@pytest.mark.parametrize("lost", ["light_curves.parquet", "problems.parquet", MASTER])
def test_after_a_kill_the_tables_are_merged_from_the_parts(output, lost):
    update(output)
    (output / "index" / lost).write_bytes(b"torn")
    report = update(output)
    assert (report.n_read, report.changed) == (0, True)
    assert len(rows(output)) == 4
    with h5py.File(output / "index" / MASTER) as master:
        assert len(master) == 3


# ----------------------------------------------------------------- what is no sector file


def test_what_cannot_be_in_it_is_listed_and_never_fatal(output):
    (output / "001" / "notes.txt").write_text("hello")
    (output / "001" / "subdirectory").mkdir()
    shutil.copy(LightCurveId(1001, 1).path(output), output / "001" / "1001_9.h5")
    shutil.copy(LightCurveId(1001, 1).path(output), output / "001" / "1002_1.h5")
    (output / "002" / "5002_1.h5").write_bytes(b"no HDF5 at all")
    content = LightCurveId(1001, 1).path(output).read_bytes()
    (output / "002" / "6002_1.h5").write_bytes(content[: len(content) // 2])
    (output / "002" / "6002_2.h5.new").write_bytes(b"")
    (output / "002" / "6002_3.h5.damaged-2").write_bytes(b"")
    (output / "002" / "6002_4.claim").write_bytes(b"{}")
    with h5py.File(output / "002" / "7002_1.h5", "w") as file:
        file["something"] = 1
    write_unit(output, 8002, 1, header={"catalogue": "KIC"})  # named as one of the TIC
    report = update(output)
    assert report.n_light_curves == 4
    found = {problem["path"]: problem["kind"] for problem in rows(output, "problems")}
    assert found == {
        "001/notes.txt": "foreign",
        "001/subdirectory": "foreign",
        "001/1001_9.h5": "foreign",
        "001/1002_1.h5": "foreign",
        "002/5002_1.h5": "unreadable",
        "002/6002_1.h5": "unreadable",
        "002/6002_2.h5.new": "half-written",
        "002/6002_3.h5.damaged-2": "damaged",
        "002/7002_1.h5": "foreign",
        "002/8002_1.h5": "foreign",
    }
    text = describe(report)
    assert "10 files are not in it" in text
    assert "says its content" in text


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda file: file["recoveries"].attrs.modify("n_inject_remaining", 301), "301 of 300"),
        (lambda file: file.attrs.modify("checkpoint", "inject"), "checkpoint is 'inject'"),
        (lambda file: file.pop("flares/peak"), "there is no flares/peak"),
        (lambda file: file.pop("lc"), "there is no lc/time"),
        (lambda file: file.attrs.pop("seed"), "there is no attribute seed"),
        (lambda file: file.attrs.modify("header", "{"), "Expecting"),
        (lambda file: file["lc"].attrs.modify("gp_kernel", "matern"), "unknown kernel 'matern'"),
    ],
)
def test_an_inconsistent_file_is_listed_with_the_reason(tmp_path, damage, reason):
    path = write_unit(tmp_path, 1001, 1)
    with edited(path) as file:
        damage(file)
    assert update(tmp_path).n_light_curves == 0
    (problem,) = rows(tmp_path, "problems")
    assert problem["kind"] == "damaged"
    assert reason in problem["reason"]


def test_a_file_that_was_readable_and_is_no_more_leaves_the_index(output):
    update(output)
    LightCurveId(1002, 13).path(output).write_bytes(b"torn")
    report = update(output)
    assert (report.n_light_curves, report.n_problems, report.n_flares) == (3, 1, 6)


# ----------------------------------------------------------------- while jobs write


def test_a_file_that_changes_while_it_is_read_is_tried_again(output, monkeypatch):
    changes = iter([True, True, False])

    def read_while_it_changes(path, search):
        if path.name == "1002_13.h5" and next(changes):
            os.utime(path)
        return original(path, search)

    original = shard.summarise
    monkeypatch.setattr(shard, "summarise", read_while_it_changes)
    assert (update(output).n_light_curves, next(changes, None)) == (4, None)


def test_a_file_that_always_changes_is_listed(output, monkeypatch):
    def read_while_it_changes(path, search):
        if path.name == "1002_13.h5":
            os.utime(path)
        return original(path, search)

    original = shard.summarise
    monkeypatch.setattr(shard, "summarise", read_while_it_changes)
    assert update(output).n_light_curves == 3
    assert [problem["kind"] for problem in rows(output, "problems")] == ["changing"]


def test_while_a_job_writes_every_index_is_right(tmp_path, models):
    simulate(tmp_path / "input", 3)
    arguments = ["run", "--input", tmp_path / "input", "--output", tmp_path / "output", *FAST]
    (tmp_path / "output").mkdir()
    job = start([*arguments, "--set", "checkpoint.interval=0.01"])
    seen = []
    while job.poll() is None:
        seen.append(update(tmp_path / "output"))
        kinds = {problem["kind"] for problem in rows(tmp_path / "output", "problems")}
        assert kinds <= {"half-written", "changing"}
    assert job.returncode == 0, job.communicate()[1]
    assert any(report.n_unfinished for report in seen)
    last = update(tmp_path / "output")
    assert (last.n_light_curves, last.n_unfinished, last.n_problems) == (3, 0, 0)
    paths = sector_files(tmp_path / "output").values()
    fractions = [cvzmpi.read(path).recovery.fraction for path in paths]
    assert [row["recovered_fraction"] for row in rows(tmp_path / "output")] == fractions


def test_two_at_once_do_not_mix(output):
    (output / "index").mkdir()
    claim = FileLock.take(output / "index" / "index.claim")
    with pytest.raises(ConfigError, match="another process is updating it"):
        update(output)
    claim.release()
    assert update(output).n_light_curves == 4


# ----------------------------------------------------------------- how people start it


@pytest.mark.parametrize("program", [("-m", "cvzmpi", "index"), ("tools/merge_index.py",)])
def test_the_command_says_what_it_found(output, program):
    root = Path(__file__).resolve().parents[4]
    ended = run([output], program=program, cwd=root)
    assert ended.status == 0, ended.stderr
    assert ended.stdout.startswith("4 light curves (0 unfinished), 8 flares; 4 sector files read")


def test_a_missing_directory_is_one_line(tmp_path):
    ended = run(["index", tmp_path / "nothing"])
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.complaints == [f"cvzmpi: {tmp_path / 'nothing'}: no such directory"]
    ended = run(["index"], cwd=tmp_path)
    assert (ended.status, len(ended.complaints)) == (2, 1)


@pytest.mark.mpi(min_size=2)
def test_ranks_share_the_directories_and_make_the_same_index(tmp_path_factory):
    world = World(MPI.COMM_WORLD)
    output = world.first(lambda: tmp_path_factory.mktemp("shared"))
    if world.rank == 0:
        for tic in range(1001, 1012):
            write_unit(output, tic, 1, flares=() if tic % 2 else (400,))
    world.communicator.Barrier()
    shared = update_index(output, world)
    assert (shared.n_read, shared.n_light_curves) == (11, 11)
    if world.rank == 0:
        together = {name: rows(output, name) for name in ("light_curves", "flares", "problems")}
        shutil.rmtree(output / "index")
        alone = update(output)
        assert alone == shared
        again = {name: rows(output, name) for name in together}
        assert repr(again) == repr(together)  # NaN is not NaN


@pytest.mark.mpi(min_size=2)
def test_an_error_on_one_rank_is_raised_on_all(tmp_path_factory):
    world = World(MPI.COMM_WORLD)
    nothing = world.first(lambda: tmp_path_factory.mktemp("none") / "nothing")
    with pytest.raises(ConfigError, match="no such directory"):
        update_index(nothing, world)


# ----------------------------------------------------------------- types, marks and edges


@pytest.mark.parametrize("stars", ["none", "flareless", "mixed", "half-done"])
def test_every_table_has_the_declared_types_whatever_is_in_it(tmp_path, stars):
    if stars in {"flareless", "mixed"}:
        write_unit(tmp_path, 1001, 1, flares=())
    if stars == "mixed":
        write_unit(tmp_path, 1002, 1)
        (tmp_path / "001" / "2001_1.h5").write_bytes(b"no HDF5")
    if stars == "half-done":
        write_unit(tmp_path, 1001, 1, model=False)
    update(tmp_path)
    for name, expected in SCHEMAS.items():
        assert pq.read_schema(table_path(tmp_path / "index", name)).equals(expected)


def test_marks_and_shares_of_light_are_columns(tmp_path):
    write_unit(tmp_path, 1001, 1, header={"CROWDSAP": 0.049, "FLFRCSAP": 0.8})
    write_unit(tmp_path, 1001, 2)  # as older versions wrote it
    facts = GP_FACTS | {"gp_converged": False}
    write_unit(tmp_path, 1001, 3, header={"CROWDSAP": 0.2}, facts=facts)
    write_unit(tmp_path, 1001, 4, header={"CROWDSAP": 0.3}, facts=facts, model=False)
    update(tmp_path)
    found = [(row["crowdsap"], row["flfrcsap"], row["marks"]) for row in rows(tmp_path)]
    assert found == [
        (0.049, 0.8, "crowded"),
        (None, None, ""),
        (0.2, None, "poor_process,crowded"),
        (0.3, None, "crowded"),
    ]


def test_flares_at_an_edge_are_told(tmp_path):
    def lose_what_follows(data):
        data.significance[data.flares["stop"][0] + 1] = np.nan

    write_unit(tmp_path, 1001, 1, change=lose_what_follows)
    update(tmp_path)
    assert [flare["at_edge"] for flare in rows(tmp_path, "flares")] == [True, False]
    flares = cvzmpi.read(LightCurveId(1001, 1).path(tmp_path)).flares
    assert flares["at_edge"].tolist() == [True, False]


def test_a_sector_file_that_cannot_be_in_it_makes_the_exit_status_1(output):
    (output / "001" / "notes.txt").write_text("hello")
    (output / "002" / "6002_2.h5.new").write_bytes(b"")
    (output / "002" / "6002_3.h5.damaged-2").write_bytes(b"")
    assert run(["index", output]).status == 0
    (output / "002" / "6002_1.h5").write_bytes(b"no HDF5")
    ended = run(["index", output])
    assert ended.status == 1
    assert "unreadable: 002/6002_1.h5: " in ended.stdout
    assert len(rows(output)) == 4
