"""Publishing: one record and each file once, whatever happens in between."""

import json
import subprocess
import sys
import time

import pytest

from cvzmpi.ledger import Event, State
from cvzmpi.level2.handing_in.hand_in import hand_in
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.inversion.program_work import keep_inversions
from cvzmpi.level2.metadata_store.rows import read_datasets
from cvzmpi.level2.product.check import check_product, checksum
from cvzmpi.level2.product.files.file_names import directory_name
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.programs.qualify import qualify
from cvzmpi.level2.programs.remarks import withdraw
from cvzmpi.level2.programs.retry import reopen, retry
from cvzmpi.level2.programs.scan import synchronise
from cvzmpi.level2.publication.publish import Publisher, publish_all
from cvzmpi.level2.transfers.local_copy import LocalCopy
from tests.level2.example_product import INVERSION_ID
from tests.level2.example_rows import OP, calcium
from tests.level2.invertible_programs import NOW
from tests.level2.stand_in_store import TOKEN


@pytest.fixture
def catalogue(catalogue, job, example):
    """One that knows an invertible program, to which the example belongs."""
    synchronise(catalogue, job, read_datasets([example.row(), calcium()]))
    qualify(catalogue, job, Thresholds(), 7, NOW)
    return catalogue


@pytest.fixture
def publisher(client, tmp_path):
    return Publisher(
        client,
        LocalCopy(tmp_path / "buckets"),
        tmp_path / "staging",
        tmp_path / "level1",
        bucket="data",
    )


@pytest.fixture
def publish(catalogue, job, publisher):
    return lambda: publish_all(catalogue, job, publisher)


@pytest.fixture
def handed_in(catalogue, job, product):
    return hand_in(catalogue, job, ReadyEvent(program=OP, files=[product], commit="abc123"))


def published_files(tmp_path):
    files = (tmp_path / "buckets").rglob("*")
    return {str(p.relative_to(tmp_path / "buckets")): checksum(p) for p in files if p.is_file()}


def expected_files(product, inversion_id=INVERSION_ID):
    return {
        f"data/pid_1_118/{directory_name(inversion_id)}/{p.name}": checksum(p)
        for p in product.iterdir()
    }


def states(catalogue):
    return [event.to_state.value for event in catalogue.ledger.history(OP)]


@pytest.mark.usefixtures("handed_in")
def test_what_the_science_team_handed_in_is_published_as_it_is(
    catalogue, example, publish, store, product, tmp_path
):
    (outcome,) = publish()
    assert (outcome.program, outcome.inversion_id, outcome.error) == (OP, INVERSION_ID, None)
    assert published_files(tmp_path) == expected_files(product)
    (asdf,) = (path.name for path in product.glob("*.asdf"))
    assert store.inversions == [
        {
            "inversionId": INVERSION_ID,
            "primaryProposalId": "pid_1_118",
            "instrumentProgramExecutionId": "id.85407.60330",
            "bucket": "data",
            "asdfObjectKey": f"pid_1_118/{directory_name(INVERSION_ID)}/{asdf}",
            "datasetIds": [example.dataset_id],
            "spectralLines": ["Fe I (630.25 nm)"],
        }
    ]
    event = catalogue.ledger.history(OP)[-1]
    assert event.to_state is State.PUBLISHED
    assert event.detail["record"] == store.inversions[0]
    assert event.message == f"{INVERSION_ID} in data/pid_1_118/{directory_name(INVERSION_ID)}/"
    assert publish() == []


@pytest.mark.usefixtures("handed_in")
def test_what_was_changed_since_it_was_handed_in_is_not_published(
    catalogue, publish, store, product, tmp_path
):
    path = min(product.glob("*.fits"))
    content = path.read_bytes()
    path.write_bytes(content + b"more")
    assert "not as it was when it was handed in" in publish()[0].error
    assert (store.inversions, published_files(tmp_path)) == ([], {})
    assert states(catalogue)[-1] == "error"
    path.write_bytes(content)


@pytest.mark.usefixtures("handed_in")
def test_a_store_that_refuses_is_an_error_and_a_retry_succeeds(
    catalogue, job, publish, store, product, tmp_path
):
    store.failures = [(200, json.dumps({"errors": [{"message": "bucket is not known"}]}))]
    assert publish()[0].error == f"{store.url}: bucket is not known"
    event = catalogue.ledger.history(OP)[-1]
    assert event.message == f"publish: {store.url}: bucket is not known"
    assert event.detail["step"] == "publish"
    assert publish() == []
    assert retry(catalogue, job, OP) is State.DONE
    assert publish()[0].error is None
    assert states(catalogue)[2:] == ["done", "error", "done", "published"]
    assert len(store.inversions) == 1
    assert published_files(tmp_path) == expected_files(product)


# ----------------------------------------------------------------- killed in between

PUBLISH = """
import sys
from pathlib import Path
import dkist
from cvzmpi.ledger import Ledger
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.inversion.program_work import keep_inversions
from cvzmpi.level2.publication.publish import Publisher, publish_all
from cvzmpi.level2.transfers.local_copy import LocalCopy
location, url, token, directory = sys.argv[1:]
directory = Path(directory)
with Ledger.open(location) as ledger, ledger.job("publish") as job:
    catalogue, store = Catalogue(ledger), MetadataStore(url, token)
    copy = LocalCopy(directory / "buckets")
    publisher = Publisher(store, copy, directory / "staging", directory / "level1", bucket="data")
    print("ready", flush=True)
    sys.stdin.readline()
    for outcome in publish_all(catalogue, job, publisher):
        print(outcome.error)
"""


@pytest.fixture
def start(location, store, tmp_path):
    """Start a process that publishes when it is told to."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", PUBLISH, location, store.url, TOKEN, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def wait_for(what):
    give_up = time.monotonic() + 60
    while not what():
        assert time.monotonic() < give_up
        time.sleep(0.001)


@pytest.mark.usefixtures("handed_in")
@pytest.mark.parametrize("moment", ["first file", "half of the files", "registered"])
def test_killed_while_it_publishes_and_started_again(
    catalogue, publish, store, product, tmp_path, start, moment
):
    files = tmp_path / "buckets" / "data" / "pid_1_118" / directory_name(INVERSION_ID)
    store.hold()  # carries out what it is told, and does not answer: nothing is published
    process = start()
    go(process)
    if moment == "registered":
        wait_for(lambda: store.inversions)
    else:
        n_files = {"first file": 1, "half of the files": 2}[moment]
        wait_for(lambda: files.is_dir() and len(list(files.iterdir())) >= n_files)
    process.kill()
    process.wait()
    store.let_go()
    assert states(catalogue)[-1] == "done"

    assert [outcome.error for outcome in publish()] == [None]
    assert len(store.inversions) == 1
    assert published_files(tmp_path) == expected_files(product)
    assert states(catalogue)[2:] == ["done", "published"]


@pytest.mark.usefixtures("handed_in")
def test_two_that_publish_at_once_publish_once(catalogue, store, product, tmp_path, start):
    both = [start(), start()]
    for process in both:
        go(process)
    answers = [process.communicate(timeout=120)[0] for process in both]
    assert set("".join(answers).split()) <= {"None"}
    assert len(store.inversions) == 1
    assert states(catalogue)[2:] == ["done", "published"]
    assert published_files(tmp_path) == expected_files(product)


# ----------------------------------------------------------------- inverted in bulk


@pytest.fixture
def invert(catalogue, job, example):
    """Have the program inverted in bulk, with a result for each of some ids."""
    catalogue.ledger.follow(keep_inversions)

    def invert(*ids):
        files = {"level1": example.level1, "prepared": example.prepared}
        made = [{"inversion_id": i, **files, "inverted": example.inverted} for i in ids]
        detail = {"step": "invert", "inversions": made}
        for state in (State.PREPROCESSED, State.WORKING):
            catalogue.ledger.record([Event(OP, state)], job)
        catalogue.ledger.record([Event(OP, State.DONE, detail=detail)], job)

    return invert


def test_what_was_inverted_here_is_published(catalogue, example, invert, publish, store, tmp_path):
    invert("inv.AAAAAA")
    (inversion,) = catalogue.result(OP)
    assert (inversion.method, inversion.at) == (
        "Milne-Eddington",
        catalogue.ledger.history(OP)[-1].at,
    )
    assert [outcome.error for outcome in publish()] == [None]
    directory = tmp_path / "buckets" / "data" / "pid_1_118" / "inv_AAAAAA"
    assert check_product([directory]).dataset_ids == [example.dataset_id]
    assert [record["inversionId"] for record in store.inversions] == ["inv.AAAAAA"]
    assert states(catalogue)[2:] == ["preprocessed", "working", "done", "published"]


def test_several_maps_are_published_together_each_once(
    catalogue, job, invert, publish, store, tmp_path
):
    invert("inv.AAAAAA", "inv.BBBBBB")
    # Each registration asks for the record, and then makes it.
    refusal = (200, json.dumps({"errors": [{"message": "out of order"}]}))
    store.failures = [None, None, None, refusal]
    (outcome,) = publish()
    assert (outcome.inversion_id, outcome.error) == ("inv.BBBBBB", f"{store.url}: out of order")
    assert states(catalogue)[-1] == "error", "a part of a result is not published"
    retry(catalogue, job, OP)
    assert [(o.inversion_id, o.error) for o in publish()] == [
        ("inv.AAAAAA", None),
        ("inv.BBBBBB", None),
    ]
    assert sorted(r["inversionId"] for r in store.inversions) == ["inv.AAAAAA", "inv.BBBBBB"]
    bucket = tmp_path / "buckets" / "data" / "pid_1_118"
    assert sorted(path.name for path in bucket.iterdir()) == ["inv_AAAAAA", "inv_BBBBBB"]
    *_, first, second = catalogue.ledger.history(OP)
    assert [e.message.partition(" ")[0] for e in (first, second)] == ["inv.AAAAAA", "inv.BBBBBB"]
    assert publish() == []


def test_after_a_reopening_only_the_new_result_is_published(catalogue, job, invert, publish, store):
    invert("inv.AAAAAA")
    publish()
    reopen(catalogue, job, OP)
    qualify(catalogue, job, Thresholds(), 7, NOW)
    invert("inv.BBBBBB")
    assert [outcome.inversion_id for outcome in publish()] == ["inv.BBBBBB"]
    assert [record["inversionId"] for record in store.inversions] == ["inv.AAAAAA", "inv.BBBBBB"]


def while_it_is_submitted(monkeypatch, publisher, act):
    """Have something happen while the files of the first inversion are brought away."""
    submit, calls = publisher.driver.submit, []

    def submit_and_act(*arguments, **named):
        if not calls:
            act()
        calls.append(arguments)
        return submit(*arguments, **named)

    monkeypatch.setattr(publisher.driver, "submit", submit_and_act)


def test_a_result_that_comes_while_another_is_published_is_published_next(
    catalogue, job, invert, product, publish, publisher, store, monkeypatch
):
    invert("inv.AAAAAA")
    further = ReadyEvent(program=OP, files=[product], commit="abc123")
    while_it_is_submitted(monkeypatch, publisher, lambda: hand_in(catalogue, job, further))
    assert [outcome.inversion_id for outcome in publish()] == ["inv.AAAAAA"]
    assert states(catalogue)[-3:] == ["done", "published", "done"]
    message = catalogue.ledger.history(OP)[-1].message
    assert message == f"handed in meanwhile: {INVERSION_ID}"
    assert [outcome.inversion_id for outcome in publish()] == [INVERSION_ID]
    assert states(catalogue)[-1] == "published"
    assert sorted(r["inversionId"] for r in store.inversions) == ["inv.AAAAAA", INVERSION_ID]


def test_what_is_withdrawn_before_its_turn_is_not_published(
    catalogue, job, invert, publish, publisher, store, monkeypatch
):
    invert("inv.AAAAAA", "inv.BBBBBB")
    while_it_is_submitted(
        monkeypatch, publisher, lambda: withdraw(catalogue, job, "inv.BBBBBB", "Jane", "wrong")
    )
    assert [outcome.inversion_id for outcome in publish()] == ["inv.AAAAAA"]
    assert states(catalogue)[-1] == "published"
    assert [record["inversionId"] for record in store.inversions] == ["inv.AAAAAA"]
    assert list(catalogue.published(OP)) == ["inv.AAAAAA"]


def test_what_is_withdrawn_before_its_record_is_made_is_not_registered(
    catalogue, job, invert, publish, publisher, store, monkeypatch
):
    invert("inv.AAAAAA")
    while_it_is_submitted(
        monkeypatch, publisher, lambda: withdraw(catalogue, job, "inv.AAAAAA", "Jane", "wrong")
    )
    assert publish() == []
    assert store.inversions == []
    assert states(catalogue)[-1] == "done"
    assert catalogue.published(OP) == {}


@pytest.mark.usefixtures("handed_in")
def test_a_dataset_that_left_the_program_stops_its_publication(
    catalogue, job, example, publish, store
):
    moved = example.row(observingProgramExecutionId="other", updateDate="2024-01-01T00:00:00")
    synchronise(catalogue, job, read_datasets([moved]))
    assert publish()[0].error == f"{OP}: {example.dataset_id} does not belong to it any more"
    assert store.inversions == []


def test_what_is_reopened_while_it_is_published_is_named(
    catalogue, job, invert, publisher, store, monkeypatch
):
    invert("inv.AAAAAA")

    submit = publisher.driver.submit

    def while_somebody_reopens_it(transfer, submission):
        reopen(catalogue, job, OP)
        return submit(transfer, submission)

    monkeypatch.setattr(publisher.driver, "submit", while_somebody_reopens_it)
    (outcome,) = publish_all(catalogue, job, publisher)
    assert outcome.error == "registered, and reopened meanwhile"
    assert states(catalogue)[-1] == "discovered"
    assert [record["inversionId"] for record in store.inversions] == ["inv.AAAAAA"]


def test_what_was_reopened_before_its_turn_is_not_called_published(
    catalogue, job, invert, publisher, store, monkeypatch
):
    invert("inv.AAAAAA")
    to_publish = catalogue.to_publish

    def reopened_after(program):
        monkeypatch.undo()
        pending = to_publish(program)
        reopen(catalogue, job, program)
        return pending

    monkeypatch.setattr(catalogue, "to_publish", reopened_after)
    assert publish_all(catalogue, job, publisher) == []
    assert store.inversions == []
