"""Rows of the metadata store: what is read tolerantly, and what is rejected by itself."""

from datetime import datetime, timezone

import pytest

from cvzmpi.level2.metadata_store.dataset import Dataset
from cvzmpi.level2.metadata_store.rows import read_datasets, read_experiments
from tests.level2.example_rows import real_rows, row


def read(**changed):
    return Dataset.model_validate(row(**changed))


def test_a_row_becomes_a_dataset_in_our_words():
    dataset = read()
    assert dataset.observing_program == "eid_1_118_opAvoqBr_R001.82591.13964206"
    assert (dataset.instrument, dataset.stokes, dataset.frame_count) == ("VISP", "IQUV", 1000)
    assert dataset.bounding_box == (-57.56, -347.5, -61.91, -467.21)
    assert dataset.health == {"good": 1000, "bad": 0, "ill": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-01-02T12:00:00", datetime(2023, 1, 2, 12, tzinfo=timezone.utc)),
        ("2023-01-02T12:00:00Z", datetime(2023, 1, 2, 12, tzinfo=timezone.utc)),
        ("2023-01-02T02:00:00-10:00", datetime(2023, 1, 2, 12, tzinfo=timezone.utc)),
    ],
)
def test_a_time_without_a_zone_is_utc(text, expected):
    assert read(updateDate=text).updated == expected


@pytest.mark.parametrize("name", ["VISP", "ViSP", "visp", " visp "])
def test_the_case_of_values_does_not_matter(name):
    dataset = read(
        instrumentName=name,
        stokesParameters="vuqi",
        health={"GOOD": 900, "BAD": 100},
        gosStatus={"Open": 1000},
    )
    assert dataset.spectropolarimetric
    assert dataset.stokes == "IQUV"
    assert (dataset.health["good"], dataset.gos_status["open"]) == (900, 1000)


def test_frame_counts_exceed_16_bits():
    assert read(frameCount=77694).frame_count == 77694


@pytest.mark.parametrize(
    "key", ["boundingBox", "health", "gosStatus", "aoLocked", "friedParameter", "spectralLines"]
)
def test_what_may_be_missing_is_null(key):
    reading = read_datasets([row(**{key: None})])
    assert (len(reading.datasets), reading.bad) == (1, [])


def test_names_that_we_do_not_know_are_ignored():
    assert read(browseMovieUrl="https://example.org").dataset_id == "BLKGA"


BAD = [
    ({"datasetId": None}, "row 2: datasetId = None: expected"),
    ({"updateDate": "yesterday"}, "BADLY: updateDate = 'yesterday': expected"),
    ({"startTime": 1654190570}, "BADLY: startTime = 1654190570: expected a time as ISO text"),
    ({"frameCount": None}, "BADLY: frameCount = None: expected"),
    ({"frameCount": 0}, "BADLY: frameCount = 0: expected"),
    ({"boundingBox": "(1,2)"}, "BADLY: boundingBox = '(1,2)': expected (x,y),(x,y) in arcsec"),
    ({"stokesParameters": "IXV"}, "expected some of I, Q, U, V, not X"),
    ({"health": {"good": -1}}, "BADLY: health.good = -1: expected"),
    ({"wavelengthMin": 700}, "BADLY: wavelengthMin 700.0 is above wavelengthMax 631.0"),
    ({"wavelengthMin": float("nan")}, "BADLY: wavelengthMin = nan: expected"),
]


@pytest.mark.parametrize(("changed", "expected"), BAD)
def test_a_bad_row_is_reported_and_the_rest_is_kept(changed, expected):
    reading = read_datasets([row("FIRST"), {**row("BADLY"), **changed}, row("THIRD")])
    assert [dataset.dataset_id for dataset, _ in reading.datasets] == ["FIRST", "THIRD"]
    (bad,) = reading.bad
    assert expected in str(bad)
    assert "\n" not in str(bad)


@pytest.mark.parametrize("nonsense", [None, "a row", 7, [], {}])
def test_a_row_that_is_none_is_reported_by_its_place(nonsense):
    reading = read_datasets([row(), nonsense])
    assert len(reading.datasets) == 1
    assert str(reading.bad[0]).startswith("row 2: ")


def test_a_row_without_a_key_says_which():
    without = row()
    del without["updateDate"]
    assert str(read_datasets([without]).bad[0]) == "BLKGA: updateDate is missing"


def test_a_dataset_that_comes_twice_is_its_newest_form():
    old, new = row(aoLocked=1), row(aoLocked=2, updateDate="2023-05-05T00:00:00")
    for rows in ([old, new], [new, old]):
        ((dataset, kept),) = read_datasets(rows).datasets
        assert dataset.ao_locked == 2
        assert kept == new


def test_experiments_may_have_no_description():
    experiments, bad = read_experiments(
        [
            {"experimentId": "eid_1_1", "experimentDescription": "Spots"},
            {"experimentId": "eid_1_2", "experimentDescription": None},
            {"experimentDescription": "Nobody's"},
        ]
    )
    assert [(e.experiment_id, e.description) for e in experiments] == [
        ("eid_1_1", "Spots"),
        ("eid_1_2", ""),
    ]
    assert [str(b) for b in bad] == ["row 3: experimentId is missing"]


@pytest.mark.parametrize(("year", "n_datasets"), [(2023, 529), (2025, 136)])
def test_real_answers_are_read_to_the_last_row(shared_data, year, n_datasets):
    reading = read_datasets(real_rows(shared_data, year))
    assert (len(reading.datasets), reading.bad) == (n_datasets, [])
