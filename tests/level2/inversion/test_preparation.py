"""Preparing programs for the inversion in bulk: what is free and here, with all its maps."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from cvzmpi.cli import cli
from cvzmpi.ledger import Event, State
from cvzmpi.level2.inversion import preparation
from cvzmpi.level2.inversion.inversion_unit import last_prepared
from cvzmpi.level2.inversion.preparation import prepare_programs
from cvzmpi.level2.maps.level1 import count_maps, read_level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.product.check import checksum
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.settings import PreprocessSettings
from tests.level2.example_rows import OP, calcium
from tests.level2.invertible_programs import NOW
from tests.level2.simulated_level1 import simulate_level1


@pytest.fixture
def know(catalogue, job, example):
    """An invertible program with these iron datasets, which are like the example's."""

    def know(*dataset_ids):
        rows = [example.row(datasetId=d, productId=f"L1-{d}") for d in dataset_ids]
        synchronise(catalogue, job, read_datasets([*rows, calcium()]))
        qualify(catalogue, job, Thresholds(), 7, NOW)

    return know


@pytest.fixture
def prepare(catalogue, job, tmp_path):
    """Prepare what is in a directory."""

    def prepare(level1):
        settings = PreprocessSettings()
        return prepare_programs(catalogue, job, level1, tmp_path / "prepared", settings)

    return prepare


def last_event(catalogue):
    return catalogue.ledger.history(OP)[-1]


def test_a_program_whose_data_are_here_is_prepared(catalogue, example, know, prepare, tmp_path):
    know(example.dataset_id)
    report = prepare(example.level1.parent)
    assert (report.prepared, str(report)) == ([OP], "1 prepared, 0 failed")
    program = last_prepared(catalogue.ledger.history(OP), tmp_path / "inverted")
    (one,) = program.maps
    assert one.level1 == example.level1
    assert checksum(one.prepared) == checksum(example.prepared)
    assert (one.n_pixels, program.n_steps(n_sweeps=0), program.n_tickets_done) == (24, 24, 0)
    event = last_event(catalogue)
    assert (event.to_state, event.detail["step"]) == (State.PREPROCESSED, "preprocess")
    (entry,) = event.detail["maps"]
    assert set(entry["record"]["files"]) == {p.name for p in example.level1.glob("*.fits")}


def test_data_that_are_not_here_or_reserved_are_left_alone(
    catalogue, job, example, know, prepare, tmp_path
):
    know(example.dataset_id)
    assert str(prepare(tmp_path)) == "0 prepared, 0 failed"
    reserve(catalogue, job, OP, "Jane")
    assert str(prepare(example.level1.parent)) == "0 prepared, 0 failed"
    assert last_event(catalogue).to_state is State.QUALIFIED


def test_data_that_cannot_be_prepared_are_an_error(catalogue, example, know, prepare, tmp_path):
    know(example.dataset_id)
    (tmp_path / "level1" / "pid_1_118" / example.dataset_id).mkdir(parents=True)
    assert prepare(tmp_path / "level1").failed == [OP]
    event = last_event(catalogue)
    assert event.to_state is State.ERROR
    assert event.message.startswith(f"preprocess: {tmp_path / 'level1' / 'pid_1_118'}")


def test_all_maps_of_all_datasets_are_prepared_and_not_before_all_are_here(
    catalogue, example, know, prepare, tmp_path
):
    level1 = tmp_path / "level1"
    simulate_level1(level1 / "new", n_steps=2, n_slit=6, n_maps=2)
    repeated = read_level1(level1 / "new").inventory["datasetId"]
    (level1 / "new").rename(level1 / repeated)
    assert count_maps(level1 / repeated) == 2
    by_hand = ["level2", "prepare", str(level1 / repeated), "--output", str(tmp_path / "by hand")]
    outcome = CliRunner().invoke(cli, by_hand, standalone_mode=False)
    assert outcome.output.splitlines() == [
        f"{tmp_path / 'by hand' / repeated}_{number:03d}.prepared.h5" for number in range(2)
    ]
    know(example.dataset_id, repeated)
    report = prepare(level1)
    assert str(report) == "0 prepared, 0 failed; 1 waits for the rest of its Level 1 data"
    assert last_event(catalogue).to_state is State.QUALIFIED

    shutil.copytree(example.level1, level1 / example.dataset_id)
    assert str(prepare(level1)) == "1 prepared, 0 failed; 3 maps"
    assert last_event(catalogue).message == "3 maps"
    program = last_prepared(catalogue.ledger.history(OP), tmp_path / "inverted")
    made_from = {(m.record["dataset"], m.record["map"]) for m in map(prepared_map, program.maps)}
    assert made_from == {(example.dataset_id, 0), (repeated, 0), (repeated, 1)}
    assert len({one.inverted for one in program.maps}) == 3


def test_it_may_be_inverted_and_published_from_another_directory(
    catalogue, job, example, know, tmp_path, monkeypatch
):
    know(example.dataset_id)
    shutil.copytree(example.level1, tmp_path / "level1" / example.dataset_id)
    monkeypatch.chdir(tmp_path)
    directories = Path("level1"), Path("prepared")
    assert prepare_programs(catalogue, job, *directories, PreprocessSettings()).prepared == [OP]
    (one,) = last_prepared(catalogue.ledger.history(OP), Path("inverted")).maps
    monkeypatch.chdir("/")
    assert PreparedMap.read(one.prepared).shape == (3, 8)
    assert one.level1 == tmp_path / "level1" / example.dataset_id
    assert one.inverted.parent == tmp_path / "inverted"


def test_what_an_earlier_version_prepared_is_prepared_anew(
    catalogue, job, example, know, prepare, tmp_path
):
    know(example.dataset_id)
    one_map = {"step": "preprocess", "prepared": "one.prepared.h5", "checksum": "0"}
    catalogue.ledger.record([Event(OP, State.PREPROCESSED, detail=one_map)], job)
    assert last_prepared(catalogue.ledger.history(OP), tmp_path / "inverted") is None
    assert prepare(example.level1.parent).prepared == [OP]
    assert last_prepared(catalogue.ledger.history(OP), tmp_path / "inverted") is not None
    assert prepare(example.level1.parent).prepared == []


def test_what_a_scan_reopened_while_it_was_prepared_is_not_called_prepared(
    catalogue, job, example, know, prepare, monkeypatch
):
    know(example.dataset_id)
    preprocess = preparation.preprocess_dataset

    def while_a_scan_comes(*arguments):
        catalogue.ledger.record([Event(OP, State.DISCOVERED)], job)
        return preprocess(*arguments)

    monkeypatch.setattr(preparation, "preprocess_dataset", while_a_scan_comes)
    assert str(prepare(example.level1.parent)) == "0 prepared, 0 failed"
    assert last_event(catalogue).to_state is State.DISCOVERED


def prepared_map(one):
    return PreparedMap.read(one.prepared)
