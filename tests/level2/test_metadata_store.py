"""The client of the metadata store against a real GraphQL server on loopback."""

import json
import socket

import pytest
from example_rows import calcium, real_rows, row
from stand_in_store import TOKEN, StandInStore, serving

from cvzmpi.level2.dataset import read_datasets
from cvzmpi.level2.metadata_store import (
    InversionRecord,
    MetadataStore,
    MetadataStoreError,
    QueryRefusedError,
)

RECORD = InversionRecord(
    inversion_id="inv.ABC123",
    primary_proposal_id="pid_1_118",
    instrument_program_execution_id="id.85407.60330",
    bucket="level2",
    asdf_object_key="pid_1_118/inv.ABC123/x.asdf",
    dataset_ids=["BLKGA", "CALCI"],
    spectral_lines=["Fe I (630.25 nm)"],
)


@pytest.fixture
def store():
    other = {"primaryProposalId": "pid_2_2"}
    with serving(StandInStore([row(), calcium(), row("OTHER", **other)])) as store:
        yield store


@pytest.fixture
def client(store):
    client = MetadataStore(store.url, TOKEN, timeout=5, retries=2, backoff=0)
    yield client
    client.close()


def ids(rows):
    return [row["datasetId"] for row in rows]


def test_all_datasets_arrive_as_they_are(client):
    rows = client.dataset_inventories()
    assert ids(rows) == ["BLKGA", "CALCI", "OTHER"]
    assert rows[0].items() <= row().items()
    assert read_datasets(rows).bad == []


def test_datasets_are_chosen_by_id_and_by_proposal(client):
    assert ids(client.dataset_inventories(dataset_ids=["CALCI", "NOONE"])) == ["CALCI"]
    assert ids(client.dataset_inventories(proposals=["pid_2_2"])) == ["OTHER"]
    assert ids(client.dataset_inventories(["BLKGA"], ["pid_2_2"])) == []


def test_an_id_with_quotes_stays_an_id(client):
    assert client.dataset_inventories(dataset_ids=['"]}) { x } #', "\\"]) == []


def test_experiments_arrive(client, store):
    store.experiments.append({"experimentId": "eid_1_1", "experimentDescription": 'A "spot"\n'})
    assert client.experiment_descriptions() == store.experiments


def test_a_real_answer_passes_through_unchanged(shared_data):
    rows = real_rows(shared_data, 2025)
    with serving(StandInStore(rows)) as store:
        arrived = MetadataStore(store.url, TOKEN).dataset_inventories()
    assert len(arrived) == 136
    for sent, got in zip(rows, arrived, strict=True):
        assert {key: got[key] for key in got if key in sent} == {
            key: sent[key] for key in sent if key in got
        }


# ----------------------------------------------------------------- registering


def test_a_record_is_registered_as_it_is(client, store):
    client.register(RECORD)
    assert store.inversions == [
        {
            "inversionId": "inv.ABC123",
            "primaryProposalId": "pid_1_118",
            "instrumentProgramExecutionId": "id.85407.60330",
            "bucket": "level2",
            "asdfObjectKey": "pid_1_118/inv.ABC123/x.asdf",
            "datasetIds": ["BLKGA", "CALCI"],
            "spectralLines": ["Fe I (630.25 nm)"],
        }
    ]


def test_registering_again_leaves_one_record(client, store):
    client.register(RECORD)
    client.register(RECORD)
    assert len(store.inversions) == 1


def test_an_answer_that_got_lost_leaves_one_record(client, store):
    store.answers_lost = 1
    client.register(RECORD)
    assert len(store.inversions) == 1
    assert len(store.requests) == 2


def test_a_record_that_the_store_refuses_is_an_error(client, store):
    store.failures = [(200, json.dumps({"errors": [{"message": "bucket is not known"}]}))]
    with pytest.raises(QueryRefusedError, match="bucket is not known"):
        client.register(RECORD)
    assert store.inversions == []


# ----------------------------------------------------------------- failures


def test_errors_of_the_store_are_named(client, store):
    store.failures = [(200, json.dumps({"errors": [{"message": "no"}, {"message": "never"}]}))]
    with pytest.raises(QueryRefusedError, match=f"{store.url}: no; never"):
        client.dataset_inventories()


def test_a_wrong_token_is_named(store):
    with pytest.raises(MetadataStoreError, match="not authorized"):
        MetadataStore(store.url, "wrong").dataset_inventories()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_store_that_is_not_ready_is_asked_again(client, store, status):
    store.failures = [(status, "later"), (status, "later")]
    assert len(client.dataset_inventories()) == 3
    assert len(store.requests) == 3


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((503, "down"), "expected JSON, got status 503: 'down'"),
        ((200, "<html>a proxy says hello</html>"), "expected JSON, got status 200: '<html>"),
        ((200, "[]"), "expected an object"),
        ((200, "{}"), "expected data, got status 200"),
        ((418, '{"data": {}}'), "expected data, got status 418"),
        ((200, '{"data": {"datasetInventories": null}}'), "expected a list of datasetInventories"),
    ],
)
def test_an_unusable_answer_says_what_it_was(client, store, reply, message):
    store.failures = [reply] * 5
    with pytest.raises(MetadataStoreError) as error:
        client.dataset_inventories()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_store_that_is_not_there_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/graphql"
        with pytest.raises(MetadataStoreError, match=f"{url}: no answer: "):
            MetadataStore(url, retries=1, backoff=0).dataset_inventories()


def test_a_store_that_hangs_is_given_up():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/graphql"
        with pytest.raises(MetadataStoreError, match="no answer: "):
            MetadataStore(url, timeout=0.2, retries=0).dataset_inventories()
