"""Scanning the store: what is new is added, what was seen adds nothing."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.db.tables import events
from cvzmpi.level2.metadata_store.graphql_endpoint import MetadataStoreError
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.retry import reopen
from cvzmpi.level2.programs.scan import reopen_changed, scan, synchronise
from cvzmpi.level2.tables import dataset_versions
from cvzmpi.level2.views.programs import describe, list_items, program_view
from tests.level2.example_rows import OP, calcium, context, real_rows, row

THRESHOLDS = Thresholds()
NOW = datetime(2023, 1, 9, 12, tzinfo=timezone.utc)


def count(catalogue, table):
    with catalogue.ledger.database.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@pytest.fixture
def scanned(catalogue, client, job):
    """Scan the store; the report."""
    return lambda **options: scan(client, catalogue, job, **options)


def test_a_new_program_is_discovered_with_its_datasets(catalogue, store, scanned):
    store.datasets = [row(), calcium(), context()]
    report = scanned()
    assert str(report) == ("3 datasets, 1 Observing Program; 1 new program, 3 new datasets")
    (unit,) = catalogue.ledger.units()
    assert (unit.name, unit.state, unit.cost) == (OP, State.DISCOVERED, 2000)
    assert [d.dataset_id for d in catalogue.program(OP).datasets] == ["BLKGA", "CALCI", "IMAGE"]


def test_scanning_again_adds_nothing(catalogue, store, scanned):
    store.datasets = [row(), calcium(), context()]
    store.experiments = [{"experimentId": "eid_1_118", "experimentDescription": "Spots"}]
    scanned()
    before = count(catalogue, events), count(catalogue, dataset_versions)
    assert str(scanned()) == "3 datasets, 1 Observing Program; nothing new"
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == before
    assert catalogue.experiments() == {"eid_1_118": "Spots"}


def test_a_changed_update_date_adds_one_version_and_the_old_one_stays(catalogue, store, scanned):
    store.datasets = [row(), calcium()]
    scanned()
    store.row("BLKGA").update(updateDate="2023-03-01T00:00:00", aoLocked=1)
    assert scanned().changed_datasets == ["BLKGA"]
    assert scanned().changed_datasets == []
    old, new = catalogue.versions("BLKGA")
    assert (old.version, old.dataset.ao_locked) == (1, 990)
    assert (new.version, new.dataset.ao_locked) == (2, 1)
    assert old.row.items() <= row().items()
    assert len(catalogue.versions("CALCI")) == 1
    assert {d.dataset_id: d.ao_locked for d in catalogue.program(OP).datasets} == {
        "BLKGA": 1,
        "CALCI": 990,
    }


def test_a_dataset_that_appears_later_joins_its_program(catalogue, store, scanned):
    store.datasets = [row()]
    scanned()
    store.datasets.append(calcium())
    report = scanned()
    assert (report.new_datasets, report.new_programs) == (["CALCI"], [])
    assert len(catalogue.program(OP).datasets) == 2


def test_bad_rows_are_reported_and_the_rest_is_synchronised(catalogue, store, scanned):
    store.datasets = [row(), row("BADLY", startTime="yesterday"), calcium()]
    report = scanned()
    assert [bad.name for bad in report.bad] == ["BADLY"]
    assert len(catalogue.program(OP).datasets) == 2


BEYOND = "0001-01-01T00:00:00+14:00"
UNREADABLE = {
    "a NUL": {"wavelengthMin": 629.4, "stokesParameters": "IQUV", "spectralLines": ["Fe\0I"]},
    "a NUL in its experiment": {"primaryExperimentId": "eid\0"},
    "a lone surrogate": {"spectralLines": ["\ud800"]},
    "a time that overflows": {"startTime": BEYOND},
    "a time after all": {"updateDate": "9999-12-31T23:59:59-14:00"},
    "a number of frames beyond any": {"frameCount": 10**400},
    "an integer beyond 64 bits": {"aoLocked": 2**63},
    "a number of 5,000 digits": {"health": {"good": float("inf")}},
    "infinite light": {"wavelengthMax": float("inf")},
    "no number": {"exposureTime": float("nan")},
    "an infinite box": {"boundingBox": "(1e999,0),(0,0)"},
    "Stokes of no kind": {"stokesParameters": 5},
    "a text of two million characters": {"boundingBox": "9" * 2_000_000},
    "an instrument without end": {"instrumentName": "V" * 3000},
}


def test_rows_that_cannot_be_read_or_kept_cost_their_programs_alone(catalogue, job):
    rows = [row("GOOD", observingProgramExecutionId="good")]
    rows += [calcium("GOOD2", observingProgramExecutionId="good")]
    for number, (program, changed) in enumerate(UNREADABLE.items()):
        of = {"observingProgramExecutionId": program}
        rows += [row(f"G{number}", **of), {**calcium(f"BAD{number}", **of), **changed}]
    report = synchronise(catalogue, job, read_datasets(rows))
    assert [bad.name for bad in report.bad] == [f"BAD{n}" for n in range(len(UNREADABLE))]
    assert all(len(str(bad)) < 500 and str(bad).isprintable() for bad in report.bad)
    assert report.n_datasets == len(UNREADABLE) + 2
    assert report.held_programs == list(UNREADABLE)
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    expected = {"good": State.QUALIFIED} | dict.fromkeys(UNREADABLE, State.ERROR)
    assert catalogue.states() == expected
    assert "BAD0: a NUL" in catalogue.ledger.history("a NUL")[-1].message


def nested(depth):
    inside = []
    for _ in range(depth):
        inside = [inside]
    return inside


def test_rows_whose_program_or_dataset_is_no_name_are_left_out(catalogue, job):
    names = ["x" * 3000, "N\0UL", "\udfff", "two\nlines", 5, [], nested(50_000), None]
    rows = [row("GOOD")]
    for name in names:
        rows += [row("BADLY", observingProgramExecutionId=name), row(name), name]
    report = synchronise(catalogue, job, read_datasets(rows))
    assert len(report.bad) == 3 * len(names)
    assert all(str(bad).isprintable() for bad in report.bad)
    assert report.new_datasets == ["GOOD"]


def test_a_program_is_held_back_until_all_of_its_rows_can_be_read(catalogue, store, scanned, job):
    store.datasets = [row(), calcium(startTime="yesterday")]
    report = scanned()
    assert str(report).endswith("1 bad row, 1 program held back")
    states = lambda: [event.to_state.value for event in catalogue.ledger.history(OP)]  # noqa: E731
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert scanned().held_programs == []  # it is so already
    assert states() == ["discovered", "error"]
    (item,) = list_items(catalogue)
    assert item.state == "Error"
    assert "CALCI: startTime = 'yesterday'" in describe(program_view(catalogue, OP))

    store.datasets = [row(), calcium()]
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert states() == ["discovered", "error", "discovered", "qualified"]


def test_an_answer_does_not_outlive_a_row_that_can_no_longer_be_read(
    catalogue, store, answered, scanned, job
):
    reserve(catalogue, job, OP, "Jane")
    store.datasets.append(row("LATER", observingProgramExecutionId=OP, frameCount=-1))
    store.row("BLKGA").update(updateDate=LATE)  # which alone would open the question again
    assert scanned().held_programs == [OP]
    with catalogue.ledger.writing() as connection:  # as a job does when it starts
        assert reopen_changed(catalogue, connection, job) == []
    store.datasets.pop()
    scanned()
    assert catalogue.states() == {OP: State.DISCOVERED}
    assert catalogue.reservations() == {OP: "Jane"}


def test_a_row_that_no_longer_says_its_program_holds_back_the_one_that_is_known(
    catalogue, store, scanned
):
    store.datasets = [row(), calcium()]
    scanned()
    store.row("CALCI").update(observingProgramExecutionId=None)
    assert scanned().held_programs == [OP]
    store.row("CALCI").update(startTime="yesterday")
    assert scanned().reopened_programs == []


def test_bad_rows_of_context_images_and_of_programs_with_a_result_hold_nothing_back(
    catalogue, store, answered, scanned, job
):
    store.datasets.append(context("BAD", startTime="yesterday"))
    report = scanned()
    assert (len(report.bad), report.held_programs) == (1, [])
    for state in (State.PREPROCESSED, State.WORKING):
        catalogue.ledger.record([Event(OP, state)], job)
    store.row("BLKGA")["startTime"] = "yesterday"
    assert scanned().held_programs == []
    catalogue.ledger.record([Event(OP, State.DONE)], job)
    assert scanned().held_programs == []
    assert catalogue.states() == {OP: State.DONE}


def test_a_row_that_goes_bad_leaves_what_was_known(catalogue, store, scanned):
    store.datasets = [row()]
    scanned()
    store.row("BLKGA")["updateDate"] = "yesterday"
    assert len(scanned().bad) == 1
    assert len(catalogue.versions("BLKGA")) == 1


def test_some_proposals_alone_can_be_scanned(catalogue, store, scanned):
    other = {"primaryProposalId": "pid_2_2", "observingProgramExecutionId": "other"}
    store.datasets = [row(), row("OTHER", **other)]
    scanned(proposals=["pid_2_2"])
    assert [unit.name for unit in catalogue.ledger.units()] == ["other"]


def test_nothing_is_added_where_the_store_fails(catalogue, store, scanned):
    store.datasets = [row()]
    errors = json.dumps({"errors": [{"message": "out of order"}]})
    store.failures = [(200, errors)]
    with pytest.raises(MetadataStoreError, match="out of order"):
        scanned()
    assert catalogue.ledger.units() == []
    assert catalogue.newest_versions() == {}


def test_descriptions_of_experiments_have_versions_too(catalogue, store, scanned):
    for text in ("Spots", "Spots", "Faculae"):
        store.experiments = [{"experimentId": "eid_1_118", "experimentDescription": text}]
        scanned()
    assert catalogue.experiments() == {"eid_1_118": "Faculae"}


# ----------------------------------------------------------------- answers that no longer hold


@pytest.fixture
def answered(catalogue, store, scanned, job):
    """A program for which the criteria are evaluated."""
    store.datasets = [row(), calcium(), context()]
    scanned()
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert catalogue.states() == {OP: State.QUALIFIED}


LATE = "2023-02-01T00:00:00"


@pytest.mark.usefixtures("answered")
def test_a_late_spectropolarimetric_dataset_reopens_the_answer(catalogue, store, scanned):
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == [OP]
    assert catalogue.states() == {OP: State.DISCOVERED}
    assert catalogue.ledger.history(OP)[-1].message == "datasets came or changed: THIRD"
    assert scanned().reopened_programs == []


@pytest.mark.usefixtures("answered")
def test_a_changed_spectropolarimetric_dataset_reopens_the_answer(catalogue, store, scanned):
    store.row("CALCI")["updateDate"] = LATE
    assert scanned().reopened_programs == [OP]
    assert catalogue.ledger.history(OP)[-1].message == "datasets came or changed: CALCI"


@pytest.mark.usefixtures("answered")
def test_late_context_images_do_not(catalogue, store, scanned):
    store.datasets.append(context("LATER", createDate=LATE, updateDate=LATE))
    store.row("IMAGE")["updateDate"] = LATE
    assert scanned().reopened_programs == []
    assert catalogue.states() == {OP: State.QUALIFIED}


@pytest.mark.usefixtures("answered")
def test_a_dataset_that_moves_to_another_program_reopens_the_answer(catalogue, store, scanned):
    store.row("CALCI").update(observingProgramExecutionId="other", updateDate=LATE)
    report = scanned()
    assert (report.new_programs, report.reopened_programs) == (["other"], [OP])
    assert catalogue.ledger.history(OP)[-1].message == "a dataset left"


# ----------------------------------------------------------------- at every step


def steps(catalogue, job, *states):
    """Take the program on its way; `error` stays where it fails."""
    for state in states:
        catalogue.ledger.record([Event(OP, State(state))], job)


def news(catalogue):
    (item,) = list_items(catalogue)
    return item.news


TO_RESULT = ("preprocessed", "working", "done")


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize(
    "way",
    [
        (),
        ("preprocessed",),
        ("preprocessed", "working", "preprocessed"),
        ("error",),
        ("preprocessed", "error"),
        ("preprocessed", "working", "error"),
    ],
    ids=" ".join,
)
def test_late_data_reopen_the_answer_at_every_step_before_a_result(
    catalogue, store, scanned, job, way
):
    steps(catalogue, job, *way)
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == [OP]
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.message) == (
        State.DISCOVERED,
        "datasets came or changed: THIRD",
    )
    assert news(catalogue) == "new data: the criteria are evaluated anew"
    qualify(catalogue, job, THRESHOLDS, 7, NOW + timedelta(days=99))
    assert (catalogue.states()[OP], news(catalogue)) == (State.QUALIFIED, "")


@pytest.mark.usefixtures("answered")
def test_late_data_reopen_what_somebody_has_reserved_and_it_stays_theirs(
    catalogue, store, scanned, job
):
    reserve(catalogue, job, OP, "Jane")
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW + timedelta(days=99))
    assert catalogue.reservations() == {OP: "Jane"}


@pytest.mark.usefixtures("answered")
def test_late_data_are_said_while_a_job_inverts_and_reopen_what_it_gives_back(
    catalogue, store, scanned, job
):
    steps(catalogue, job, "preprocessed", "working")
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == []
    assert news(catalogue) == "new data while it is inverted"
    steps(catalogue, job, "preprocessed")
    assert scanned().reopened_programs == [OP]


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize(
    "more", [(), ("published",), ("error",), ("published", "error")], ids=" ".join
)
def test_late_data_after_a_result_are_said_with_what_to_do_and_people_reopen(
    catalogue, store, scanned, job, more
):
    steps(catalogue, job, *TO_RESULT, *more)
    assert news(catalogue) == ""
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == []
    words = f"new data since the inversion: cvzmpi level2 reopen {OP}"
    assert news(catalogue) == words
    assert words in describe(program_view(catalogue, OP))
    reopen(catalogue, job, OP, "Jane")
    event = catalogue.ledger.history(OP)[-1]
    assert (event.to_state, event.message) == (State.DISCOVERED, "reopened by Jane")


# ----------------------------------------------------------------- the real store


def test_the_real_store_of_2023(shared_data, catalogue, store, scanned):
    store.datasets = real_rows(shared_data)
    report = scanned()
    assert (report.n_datasets, report.n_programs, report.bad) == (529, 130, [])
    programs = catalogue.programs()
    assert (len(programs), len(catalogue.ledger.units())) == (130, 130)
    assert sum(bool(p.spectropolarimetric) for p in programs.values()) == 124
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 529)

    assert str(scanned()) == "529 datasets, 130 Observing Programs; nothing new"
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 529)

    store.datasets[17]["updateDate"] = "2024-01-01T00:00:00"
    assert len(scanned().changed_datasets) == 1
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 530)


# ----------------------------------------------------------------- the database refuses changes


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize(
    "table", ["level2_dataset_versions", "level2_qualifications", "level2_experiment_versions"]
)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id + 1000", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_or_delete(catalogue, store, scanned, table, change):
    store.experiments = [{"experimentId": "eid_1_118", "experimentDescription": "Spots"}]
    scanned()
    with (
        pytest.raises(sa.exc.DBAPIError, match="never"),
        catalogue.ledger.database.engine.begin() as connection,
    ):
        connection.exec_driver_sql(change.format(table))
