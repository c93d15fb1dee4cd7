"""Scanning the store: what is new is added, what was seen adds nothing."""

import json
from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from cvzmpi.ledger import Event, Ledger, State
from cvzmpi.ledger.db.tables import events
from cvzmpi.level2.metadata_store.graphql_endpoint import MetadataStoreError
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, add_inversion
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.reservation import reserve
from cvzmpi.level2.programs.retry import reopen
from cvzmpi.level2.programs.scan import reopen_changed, scan, synchronise
from cvzmpi.level2.tables import dataset_versions
from cvzmpi.level2.views.description import describe
from cvzmpi.level2.views.programs import list_items, program_view
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
    store.datasets = [row(), row("BADLY", observingProgramExecutionId=None), calcium()]
    report = scanned()
    assert [bad.name for bad in report.bad] == ["BADLY"]
    assert len(catalogue.program(OP).datasets) == 2


def test_a_value_that_cannot_be_read_is_said_once_and_its_dataset_stays(catalogue, store, scanned):
    store.datasets = [row(), row("BADLY", startTime="yesterday"), calcium()]
    report = scanned()
    (line,) = report.faults
    assert line.startswith("BADLY cannot be read: startTime = 'yesterday': expected")
    assert str(report).endswith("3 new datasets, 1 dataset unreadable in part")
    assert len(catalogue.program(OP).datasets) == 3
    assert str(scanned()) == "3 datasets, 1 Observing Program; nothing new"
    assert scanned().faults == []


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
        rows += [row(f"G{number}", **of), calcium(f"H{number}", **of)]
        rows += [{**calcium(f"BAD{number}", **of), **changed}]
    reading = read_datasets(rows)
    report = synchronise(catalogue, job, reading)
    assert (report.bad, report.held_programs) == ([], [])
    assert [d.dataset_id for d in report.unreadable] == [f"BAD{n}" for n in range(len(UNREADABLE))]
    assert all(len(line) < 500 and line.isprintable() for line in report.faults)
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    expected = {"good": State.QUALIFIED} | dict.fromkeys(UNREADABLE, State.NOT_QUALIFIED)
    assert catalogue.states() == expected
    assert "BAD0: spectralLines: a NUL" in catalogue.ledger.history("a NUL")[-1].message
    assert all(catalogue.qualifications()[program].failed[0] == "row" for program in UNREADABLE)
    again = synchronise(catalogue, job, reading)
    assert str(again).endswith("; nothing new")
    for program in UNREADABLE:
        assert "cannot be read: " in describe(program_view(catalogue, program))


def nested(depth):
    inside = []
    for _ in range(depth):
        inside = [inside]
    return inside


def test_rows_whose_program_or_dataset_is_no_name_are_left_out(catalogue, job):
    names = ["x" * 3000, "N\0UL", "\udfff", "two\nlines", 5, [], nested(50_000), None]
    rows = [row("GOOD")]
    for name in names:
        rows += [row("BADLY", observingProgramExecutionId=name), row() | {"datasetId": name}, name]
    rows.append(row("BADLY", observingProgramExecutionId=".."))
    report = synchronise(catalogue, job, read_datasets(rows))
    assert len(report.bad) == 3 * len(names) + 1
    assert all(str(bad).isprintable() for bad in report.bad)
    assert report.new_datasets == ["GOOD"]


def test_a_row_that_can_be_read_again_opens_the_question_again(catalogue, store, scanned, job):
    store.datasets = [row(), calcium(startTime="yesterday")]
    scanned()
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    (item,) = list_items(catalogue)
    assert (item.state, item.failed[0]) == ("Not Invertible", "row")
    assert "CALCI: startTime = 'yesterday'" in describe(program_view(catalogue, OP))

    store.datasets = [row(), calcium()]
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    states = [event.to_state.value for event in catalogue.ledger.history(OP)]
    assert states == ["discovered", "not_qualified", "discovered", "qualified"]


@pytest.mark.usefixtures("answered")
def test_an_answer_does_not_outlive_a_value_that_can_no_longer_be_read(
    catalogue, store, scanned, job
):
    reserve(catalogue, job, OP, "Jane")
    store.row("CALCI").update(boundingBox="(NaN,NaN),(NaN,NaN)")
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert catalogue.states() == {OP: State.NOT_QUALIFIED}
    store.row("CALCI").update(boundingBox=row()["boundingBox"])
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert catalogue.states() == {OP: State.QUALIFIED}
    assert catalogue.reservations() == {OP: "Jane"}


# ----------------------------------------------------------------- rows without a name


def answer_with(store, *rows):
    """Let the store answer with rows that its schema does not allow."""
    store.failures = [(200, json.dumps({"data": {"datasetInventories": rows}}))]


@pytest.mark.usefixtures("answered")
def test_a_program_is_held_back_until_all_of_its_rows_name_their_dataset(
    catalogue, store, scanned, job
):
    reserve(catalogue, job, OP, "Jane")
    answer_with(store, row(updateDate=LATE), calcium(), row(None))
    report = scanned()
    assert str(report).endswith("1 bad row, 1 program held back")
    assert "row 3: datasetId = None" in catalogue.ledger.history(OP)[-1].message
    with catalogue.ledger.writing() as connection:  # as a job does when it starts
        assert reopen_changed(catalogue, connection, job) == []
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert catalogue.states() == {OP: State.ERROR}
    answer_with(store, row(), calcium(), row(""))
    assert scanned().held_programs == []  # it is so already
    assert scanned().reopened_programs == [OP]
    assert catalogue.states() == {OP: State.DISCOVERED}
    assert catalogue.reservations() == {OP: "Jane"}


def test_a_program_of_which_no_row_names_a_dataset_is_held_back_from_the_beginning(
    catalogue, store, scanned, job
):
    answer_with(store, row(None))
    report = scanned()
    assert (report.new_programs, report.held_programs) == ([OP], [OP])
    assert catalogue.states() == {OP: State.ERROR}
    assert list_items(catalogue) == []
    store.datasets = [row(), calcium()]
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW)
    assert catalogue.states() == {OP: State.QUALIFIED}


def test_a_row_that_no_longer_says_its_program_holds_back_the_one_that_is_known(
    catalogue, store, scanned
):
    store.datasets = [row(), calcium()]
    scanned()
    store.row("CALCI").update(observingProgramExecutionId=None)
    assert scanned().held_programs == [OP]
    assert scanned().reopened_programs == []
    assert len(catalogue.versions("CALCI")) == 1


@pytest.mark.usefixtures("answered")
def test_bad_rows_of_context_images_and_of_programs_with_a_result_hold_nothing_back(
    catalogue, store, scanned, job
):
    answer_with(store, row(), calcium(), context(None))
    report = scanned()
    assert (len(report.bad), report.held_programs) == (1, [])
    for state in (State.PREPROCESSED, State.WORKING):
        catalogue.ledger.record([Event(OP, state)], job)
    answer_with(store, row(None), calcium())
    assert scanned().held_programs == []
    catalogue.ledger.record([Event(OP, State.DONE)], job)
    answer_with(store, row(None), calcium())
    assert scanned().held_programs == []
    assert catalogue.states() == {OP: State.DONE}


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize("state", ["working", "done", "published"])
def test_a_value_that_cannot_be_read_is_said_where_there_is_work_or_a_result(
    catalogue, store, scanned, job, state
):
    steps(catalogue, job, "preprocessed", *(("working", "done", "published")[: STEPS[state]]))
    store.row("BLKGA")["startTime"] = "yesterday"
    assert scanned().reopened_programs == []
    assert catalogue.states()[OP].value == state
    assert "new data" in news(catalogue)
    store.row("BLKGA")["startTime"] = row()["startTime"]
    scanned()
    assert news(catalogue) == ""


STEPS = {"working": 1, "done": 2, "published": 3}


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


@pytest.mark.usefixtures("answered")
@pytest.mark.parametrize(
    "change",
    [
        {"bucket": "public"},
        {"isEmbargoed": True, "embargoEndDate": "2024-04-24T00:00:00"},
        {"productId": "L1-PQRST"},
    ],
    ids=str,
)
def test_a_change_of_bucket_embargo_or_product_id_is_recorded_and_reopens_nothing(
    catalogue, store, scanned, change
):
    store.row("CALCI").update(change)
    report = scanned()
    assert (report.changed_datasets, report.reopened_programs) == (["CALCI"], [])
    assert news(catalogue) == ""
    assert catalogue.versions("CALCI")[-1].row.items() >= change.items()


# ----------------------------------------------------------------- data that are processed again


def processed_again(store, **changed):
    store.row("CALCI").update(productId="L1-CA")
    again = {"productId": "L1-CA", "createDate": LATE, "updateDate": LATE}
    store.datasets.append(calcium("CAGAIN", **again, **changed))


@pytest.mark.usefixtures("answered")
def test_a_dataset_that_is_processed_again_replaces_its_predecessor_and_reopens_the_answer(
    catalogue, store, scanned, job
):
    processed_again(store, aoLocked=0)
    assert scanned().reopened_programs == [OP]
    assert catalogue.ledger.history(OP)[-1].message == "datasets came or changed: CAGAIN"
    assert scanned().reopened_programs == []
    qualify(catalogue, job, THRESHOLDS, 7, NOW + timedelta(days=99))
    assert catalogue.states() == {OP: State.NOT_QUALIFIED}
    assert catalogue.qualifications()[OP].versions == {"BLKGA": 1, "CAGAIN": 1}
    printed = describe(program_view(catalogue, OP))
    assert "product L1-CA  bucket data  superseded by CAGAIN" in printed


@pytest.mark.usefixtures("answered")
def test_a_dataset_that_turns_out_to_be_superseded_reopens_the_answer(catalogue, store, scanned):
    store.row("CALCI").update(
        productId=store.row("BLKGA").get("productId"), createDate="2022-01-01"
    )
    assert scanned().reopened_programs == [OP]
    assert catalogue.ledger.history(OP)[-1].message == "datasets were replaced: CALCI"


@pytest.mark.usefixtures("answered")
def test_a_superseded_dataset_that_changes_reopens_nothing(catalogue, store, scanned, job):
    processed_again(store)
    scanned()
    qualify(catalogue, job, THRESHOLDS, 7, NOW + timedelta(days=99))
    store.row("CALCI").update(updateDate="2023-08-08T00:00:00", aoLocked=0)
    report = scanned()
    assert (report.changed_datasets, report.reopened_programs) == (["CALCI"], [])


@pytest.mark.usefixtures("answered")
def test_a_result_of_a_dataset_that_is_superseded_since_is_shown_as_such(
    catalogue, store, scanned, job
):
    steps(catalogue, job, *TO_RESULT)
    detail = {"dataset_ids": ["BLKGA", "CALCI"]}
    made = Inversion("inv.ABC123", OP, "science team", detail, NOW)
    with catalogue.ledger.writing() as connection:
        add_inversion(connection, made)
    assert program_view(catalogue, OP).superseded_of(made) == []
    processed_again(store)
    assert scanned().reopened_programs == []
    view = program_view(catalogue, OP)
    assert view.superseded_of(made) == ["CALCI"]
    assert "made of superseded datasets: CALCI" in describe(view)
    (shown,) = view.as_json()["inversions"]
    assert shown["superseded_datasets"] == ["CALCI"]
    assert news(catalogue) == f"new data since the inversion: cvzmpi level2 reopen {OP}"


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
    assert (report.n_datasets, report.n_programs, report.faults) == (529, 130, [])
    programs = catalogue.programs()
    assert (len(programs), len(catalogue.ledger.units())) == (130, 130)
    assert sum(bool(p.spectropolarimetric) for p in programs.values()) == 124
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 529)

    assert str(scanned()) == "529 datasets, 130 Observing Programs; nothing new"
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 529)

    store.datasets[17]["updateDate"] = "2024-01-01T00:00:00"
    assert len(scanned().changed_datasets) == 1
    assert (count(catalogue, events), count(catalogue, dataset_versions)) == (130, 530)


def test_the_real_rows_through_the_real_schema_give_the_known_numbers_of_invertible_programs(
    shared_data, catalogue, store, scanned, job
):
    store.datasets = real_rows(shared_data)
    scanned()
    found = {}
    for rule in ("band", "midpoint", "overlap", "named"):
        report = qualify(catalogue, job, Thresholds(rule), 7, LONG_AFTER)
        found[rule] = len(report.invertible)
        assert found[rule] + len(report.not_invertible) == 130
    assert found == {"band": 0, "midpoint": 14, "overlap": 53, "named": 84}


def test_proposal_by_proposal_gives_the_same_as_all_at_once(shared_data, tmp_path, store, client):
    newer = real_rows(shared_data, 2025)
    known = {one["datasetId"] for one in newer}
    store.datasets = [
        *newer,
        *(one for one in real_rows(shared_data) if one["datasetId"] not in known),
    ]
    found = []
    for proposals in ([()], sorted({(one["primaryProposalId"],) for one in store.datasets})):
        with Ledger.open(tmp_path / f"{len(found)}.sqlite") as ledger:
            catalogue, job = Catalogue(ledger), ledger.jobs.begin("test")
            for some in proposals:
                scan(client, catalogue, job, proposals=some)
            qualify(catalogue, job, THRESHOLDS, 7, LONG_AFTER)
            found.append((catalogue.states(), catalogue.programs()))
    assert found[0] == found[1]


LONG_AFTER = datetime(2025, 12, 31, tzinfo=timezone.utc)


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
