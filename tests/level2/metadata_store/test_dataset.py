"""Rows of the metadata store: what is read tolerantly, and what a value costs that cannot be."""

import json
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
    ((dataset, _),) = read_datasets([row(**{key: None})]).datasets
    assert dataset.unreadable == ()


def test_names_that_we_do_not_know_are_ignored():
    assert read(browseMovieUrl="https://example.org").dataset_id == "BLKGA"


NAN_BOX = "(NaN,NaN),(NaN,NaN)"
UNREADABLE = [
    ({"updateDate": "yesterday"}, "updateDate = 'yesterday': expected"),
    ({"startTime": 1654190570}, "startTime = 1654190570: expected a time as ISO text"),
    ({"startTime": "0001-01-01T00:00:00+14:00"}, "expected a time between the years 1 and 9999"),
    ({"embargoEndDate": "9999-12-31T23:00:00-14:00"}, "between the years 1 and 9999"),
    ({"createDate": None}, "createDate is not given"),
    ({"frameCount": None}, "frameCount is not given"),
    ({"frameCount": 0}, "frameCount = 0: expected"),
    ({"frameCount": True}, "frameCount = True: expected a number"),
    ({"frameCount": 1, "health": None, "gosStatus": None}, "aoLocked = 990: expected about"),
    ({"aoLocked": 10**9}, "aoLocked = 1000000000: expected about frameCount, 1000, at most"),
    ({"health": {"good": 10**9}}, "expected about frameCount, 1000, at most"),
    ({"wavelengthMax": 1e30}, "wavelengthMax = 1e+30: expected"),
    ({"wavelengthMax": 10_000}, "wavelengthMax = 10000: expected at most 100 nm more than"),
    ({"boundingBox": "(1e308,1e308),(0,0)"}, "expected at most 1e+06 arcsec"),
    ({"frameCount": 2**31}, "frameCount = 2147483648: expected"),
    ({"boundingBox": "(1,2)"}, "boundingBox = '(1,2)': expected (x,y),(x,y) in arcsec"),
    ({"boundingBox": NAN_BOX}, f"boundingBox = '{NAN_BOX}': expected (x,y),(x,y) in arcsec"),
    ({"stokesParameters": "IXV"}, "expected some of I, Q, U, V, not X"),
    ({"health": {"good": -1}}, "health.good = -1: expected"),
    ({"health": {"good": ""}}, "health.good = '': expected"),
    ({"health": {f"status {n}": 1 for n in range(100)}}, "should have at most 50 items"),
    ({"health": 1000}, "health = 1000: expected"),
    ({"lightLevel": {"med": "high"}}, "lightLevel.med = 'high': expected"),
    ({"lightLevel": {"x": float("inf")}}, "lightLevel: inf is no number of JSON"),
    ({"wavelengthMin": 700}, "wavelengthMax = 631.0: expected no less than wavelengthMin, 700.0"),
    ({"wavelengthMin": float("nan")}, "wavelengthMin: nan is no number of JSON"),
    ({"spectralLines": "Fe I"}, "spectralLines = 'Fe I': expected"),
    ({"isEmbargoed": "perhaps"}, "isEmbargoed = 'perhaps': expected"),
    ({"productId": 5}, "productId = 5: expected"),
    ({"bucket": "b" * 500}, "bucket = 'bbb"),
]


@pytest.mark.parametrize(("changed", "expected"), UNREADABLE)
def test_a_value_that_cannot_be_read_costs_itself_and_the_dataset_says_so(changed, expected):
    reading = read_datasets([row("FIRST"), {**row("BADLY"), **changed}, row("THIRD")])
    assert reading.bad == []
    first, (dataset, kept), third = reading.datasets
    (said,) = dataset.unreadable
    assert expected in said
    assert said.isprintable()
    assert len(said) < 300
    assert dataset.frame_count in (None, 1, 1000)
    assert Dataset.model_validate(json.loads(json.dumps(kept, allow_nan=False))) == dataset
    assert (first[0].unreadable, third[0].unreadable) == ((), ())


@pytest.mark.parametrize(
    "changed",
    [
        {"updateDate": None},
        {"embargoEndDate": "9999-12-31T23:59:59"},
        {"isEmbargoed": None},
        {"primaryExperimentId": None},
        {"productId": None},
        {"productId": ""},
        {"bucket": None},
        {"exposureTime": None},
        {"aoLocked": "990"},
        {"health": {"good": 1000}},
        {"friedParameter": {"max": 1.2e33}},  # as a real row has
    ],
    ids=str,
)
def test_a_row_with_what_the_store_may_leave_out_can_be_read(changed):
    ((dataset, _),) = read_datasets([row(**changed)]).datasets
    assert dataset.unreadable == ()


def test_a_row_that_never_changed_has_the_time_of_its_creation():
    assert read(updateDate=None).changed == read().created


def test_a_dataset_has_its_product_bucket_and_embargo():
    embargo = {"isEmbargoed": True, "embargoEndDate": "2024-04-24T00:00:00"}
    dataset = read(productId="L1-ABCDE", bucket="public", **embargo)
    assert (dataset.product_id, dataset.bucket, dataset.embargoed) == ("L1-ABCDE", "public", True)
    assert dataset.embargo_end == datetime(2024, 4, 24, tzinfo=timezone.utc)


def test_a_key_that_is_ours_is_not_the_stores():
    ((dataset, kept),) = read_datasets([row(unreadable=["all of it"])]).datasets
    assert dataset.unreadable == ()
    assert "unreadable" not in kept


BAD = [
    ({"datasetId": None}, "row 2: datasetId = None: expected"),
    ({"datasetId": "x" * 201}, "xxx...: datasetId = 'xxx"),
    ({"observingProgramExecutionId": None}, "BADLY: observingProgramExecutionId = None: expected"),
    ({"observingProgramExecutionId": "a\0b"}, "BADLY: observingProgramExecutionId: a NUL"),
]


@pytest.mark.parametrize(("changed", "expected"), BAD)
def test_a_row_that_names_no_dataset_or_program_is_bad_and_the_rest_is_kept(changed, expected):
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
    del without["observingProgramExecutionId"]
    assert str(read_datasets([without]).bad[0]) == "BLKGA: observingProgramExecutionId is missing"


def test_a_dataset_that_comes_twice_is_its_newest_form():
    old, new = row(aoLocked=1), row(aoLocked=2, updateDate="2023-05-05T00:00:00")
    for rows in ([old, new], [new, old]):
        ((dataset, kept),) = read_datasets(rows).datasets
        assert dataset.ao_locked == 2
        assert kept == new


def test_a_dataset_that_comes_twice_with_an_unknown_time_counts_with_what_cannot_be_read():
    good, broken = row(), row(createDate=None, updateDate=None)
    for rows in ([good, broken], [broken, good]):
        ((dataset, _),) = read_datasets(rows).datasets
        assert dataset.unreadable == ("createDate is not given",)
    for rows in ([row(), row(aoLocked="all")], [row(aoLocked="all"), row()]):
        ((dataset, _),) = read_datasets(rows).datasets
        assert len(dataset.unreadable) == 1


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
    assert not any(dataset.unreadable for dataset, _ in reading.datasets)
