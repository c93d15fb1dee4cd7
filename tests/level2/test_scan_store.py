"""Scanning the store: what is new is added, what was seen adds nothing."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa
from example_rows import OP, calcium, context, real_rows, row
from test_qualify_programs import NOW, THRESHOLDS

from cvzmpi.ledger import Event, State
from cvzmpi.ledger.tables import events
from cvzmpi.level2.metadata_store import MetadataStoreError
from cvzmpi.level2.qualify import qualify
from cvzmpi.level2.retry import reopen
from cvzmpi.level2.scan import scan
from cvzmpi.level2.science_team import claim
from cvzmpi.level2.tables import dataset_versions
from cvzmpi.level2.views import describe, list_items, program_view


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
    assert str(report) == ("3 datasets, 1 Observing Programs; 1 new programs, 3 new datasets")
    (unit,) = catalogue.ledger.units()
    assert (unit.name, unit.state, unit.cost) == (OP, State.DISCOVERED, 2000)
    assert [d.dataset_id for d in catalogue.program(OP).datasets] == ["BLKGA", "CALCI", "IMAGE"]


def test_scanning_again_adds_nothing(catalogue, store, scanned):
    store.datasets = [row(), calcium(), context()]
    store.experiments = [{"experimentId": "eid_1_118", "experimentDescription": "Spots"}]
    scanned()
    before = count(catalogue, events), count(catalogue, dataset_versions)
    assert str(scanned()) == "3 datasets, 1 Observing Programs; nothing new"
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
def test_late_data_reopen_what_somebody_has_claimed_and_it_stays_theirs(
    catalogue, store, scanned, job
):
    claim(catalogue, job, OP, "Jane")
    store.datasets.append(row("THIRD", createDate=LATE, updateDate=LATE))
    assert scanned().reopened_programs == [OP]
    qualify(catalogue, job, THRESHOLDS, 7, NOW + timedelta(days=99))
    assert catalogue.claimants() == {OP: "Jane"}


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
