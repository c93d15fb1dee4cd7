"""The client of the metadata store against a real GraphQL server on loopback."""

import gzip
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from cvzmpi.errors import UnavailableError
from cvzmpi.level2.metadata_store.client import MetadataStore
from cvzmpi.level2.metadata_store.graphql_endpoint import MetadataStoreError, QueryRefusedError
from cvzmpi.level2.metadata_store.inversion_record import InversionRecord
from cvzmpi.level2.metadata_store.rows import read_datasets
from tests.level2.example_rows import calcium, real_rows, row
from tests.level2.stand_in_store import TOKEN, StandInStore, serving

RECORD = InversionRecord(
    inversion_id="inv.ABC123",
    primary_proposal_id="pid_1_118",
    instrument_program_execution_id="id.85407.60330",
    bucket="level2",
    asdf_object_key="pid_1_118/inv_ABC123/x.asdf",
    dataset_ids=["BLKGA", "CALCI"],
    spectral_lines=["Fe I (630.25 nm)"],
)


@pytest.fixture
def store():
    other = {"primaryProposalId": "pid_2_2"}
    with serving(StandInStore([row(), calcium(), row("OTHER", **other)])) as store:
        yield store


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
            "asdfObjectKey": "pid_1_118/inv_ABC123/x.asdf",
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
    assert ["mutation" in request for request in store.requests] == [False, True, True, False]


def test_a_record_that_the_store_refuses_is_an_error(client, store):
    refusal = 200, json.dumps({"errors": [{"message": "bucket is not known"}]})
    store.failures = [None, refusal]
    with pytest.raises(QueryRefusedError, match="bucket is not known"):
        client.register(RECORD)
    assert store.inversions == []


def test_a_record_that_another_has_registered_meanwhile_is_recognised_without_words(client, store):
    there = [RECORD.model_dump(by_alias=True)]
    nothing = 200, json.dumps({"data": {"l2Inversions": []}})
    store.inversions = there
    store.failures = [nothing]
    client.register(RECORD)
    assert "createL2InversionInventory" in store.requests[1]  # refused: it has that key
    assert store.inversions == there


def test_the_order_of_datasets_and_lines_makes_no_other_record(client, store):
    store.inversions = [{**RECORD.model_dump(by_alias=True), "datasetIds": ["CALCI", "BLKGA"]}]
    client.register(RECORD)
    assert len(store.requests) == 1


def test_another_record_of_the_same_id_is_an_error_that_names_the_difference(client, store):
    other = {**RECORD.model_dump(by_alias=True), "bucket": "public", "asdfObjectKey": None}
    store.inversions = [other]
    with pytest.raises(MetadataStoreError) as error:
        client.register(RECORD)
    assert "inv.ABC123 is registered" in str(error.value)
    assert "bucket is 'public', not 'level2'" in str(error.value)
    assert "asdfObjectKey is None, not 'pid_1_118/inv_ABC123/x.asdf'" in str(error.value)
    assert store.inversions == [other]


def test_a_store_that_is_away_when_it_is_asked_again_may_be_asked_later(store):
    client = MetadataStore(store.url, TOKEN, timeout=5, retries=0)
    store.failures = [None, (503, "down"), (503, "down")]
    with pytest.raises(UnavailableError):
        client.register(RECORD)
    client.register(RECORD)
    assert len(store.inversions) == 1


def test_the_record_of_an_inversion_can_be_asked_for(client, store):
    assert client.inversion("inv.ABC123") is None
    client.register(RECORD)
    assert client.inversion("inv.ABC123") == RECORD
    assert client.inversion("inv.OTHER1") is None


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "expected a list of l2Inversions"),
        ([{"inversionId": "inv.ABC123", "bucket": 5}], "inv.ABC123 cannot be read: "),
        ([{**RECORD.model_dump(by_alias=True), "datasetIds": "all"}], "datasetIds = 'all'"),
    ],
)
def test_a_record_that_cannot_be_read_is_an_error(client, store, row, message):
    store.failures = [(200, json.dumps({"data": {"l2Inversions": row}}))]
    with pytest.raises(MetadataStoreError, match=message):
        client.inversion("inv.ABC123")


def test_a_record_of_another_inversion_is_none_of_this_one(client, store):
    row = {**RECORD.model_dump(by_alias=True), "inversionId": "inv.OTHER1"}
    store.failures = [(200, json.dumps({"data": {"l2Inversions": ["no row", row]}}))]
    assert client.inversion("inv.ABC123") is None


# ----------------------------------------------------------------- pages


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 500])
def test_all_pages_are_read_whatever_their_size(store, page_size):
    client = MetadataStore(store.url, TOKEN, page_size=page_size)
    assert ids(client.dataset_inventories()) == ["BLKGA", "CALCI", "OTHER"]
    assert len(store.requests) == 3 // page_size + 1


@pytest.mark.parametrize("page_size", [2, 3, 4])
def test_a_store_without_pages_gives_each_row_once(store, page_size):
    whole = 200, json.dumps({"data": {"datasetInventories": [row(), calcium(), row("OTHER")]}})
    store.failures = [whole] * 5
    client = MetadataStore(store.url, TOKEN, page_size=page_size)
    assert ids(client.dataset_inventories()) == ["BLKGA", "CALCI", "OTHER"]


def test_a_page_that_fails_is_no_shorter_list(store):
    store.failures = [None, (200, json.dumps({"errors": "out of order"}))]
    with pytest.raises(MetadataStoreError, match="out of order"):
        MetadataStore(store.url, TOKEN, page_size=2).dataset_inventories()


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
        ((503, "ask a@b.org"), r"expected JSON, got status 503: 'ask a\x40b.org'"),
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


NESTED = '{"data": {"datasetInventories": ' + "[" * 100_000 + "]" * 100_000 + "}}"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((200, NESTED), ": nested too deeply"),
        ((200, '{"errors": 5}'), ": 5"),
        ((200, '{"errors": "boom"}'), "/graphql: boom"),
        ((200, '{"data": ' + '{"a": ' * 50_000 + "1" + "}" * 50_000 + "}"), "nested too deeply"),
        ((200, '{"errors": {"message": "a\\nb\\u0000"}}'), ": a b\\x00"),
        ((200, '{"errors": [[' + "[" * 500 + "]" * 500 + "]]}"), ": [["),
        ((200, json.dumps({"errors": [{"message": "x" * 10_000}] * 1000})), ": xxx"),
        ((200, '{"data": {"datasetInventories": {"a": ' + "7" * 5000 + "}}}"), "expected a list"),
    ],
)
def test_an_answer_that_no_store_means_is_one_short_line(client, store, reply, message):
    store.failures = [reply]
    with pytest.raises(MetadataStoreError) as error:
        client.dataset_inventories()
    assert message in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 2000


@pytest.mark.parametrize("body", ["<html>down</html>", '{"errors": "down"}'])
def test_a_store_that_is_down_is_to_be_asked_again_later(client, store, body):
    store.failures = [(503, body)] * 5
    with pytest.raises(UnavailableError, match="down"):
        client.dataset_inventories()
    store.failures = [(200, "<html>no such page</html>")]
    with pytest.raises(MetadataStoreError) as error:
        client.dataset_inventories()
    assert not isinstance(error.value, UnavailableError)


def test_a_number_that_is_too_long_costs_its_row_alone(client, store):
    rows = json.dumps([row(), row("LONG", frameCount="N"), row("LIGHT", wavelengthMax="N")])
    rows = rows.replace('"N"', "7" * 5000)
    body = f'{{"data": {{"datasetInventories": {rows}}}}}'
    store.failures = [(200, body)]
    reading = read_datasets(client.dataset_inventories())
    unreadable = {dataset.dataset_id: len(dataset.unreadable) for dataset, _ in reading.datasets}
    assert unreadable == {"BLKGA": 0, "LONG": 1, "LIGHT": 1}


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_given_up(packed):
    more = b"[" * 1_000_000
    header = b"Content-Encoding: gzip\r\n" if packed else b""
    if packed:
        more = gzip.compress(more)
    with (
        endless(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n", more) as url,
        pytest.raises(MetadataStoreError, match="an answer of more than 10,000,000 bytes"),
    ):
        MetadataStore(url, max_bytes=10_000_000).dataset_inventories()


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n["])
def test_an_answer_that_trickles_in_is_given_up_by_the_clock(first):
    with endless(first, b"H", pause=0.05) as url:
        begun = time.monotonic()
        with pytest.raises(MetadataStoreError, match=f"{url}: no whole answer within 0.5 s"):
            MetadataStore(url, timeout=1, time_for_all=0.5).dataset_inventories()
        assert time.monotonic() - begun < 30


@contextmanager
def endless(first, more, pause=0.0):
    """A server that answers the same for ever."""

    def answer(connection):
        with suppress(OSError), connection:
            connection.recv(65536)
            connection.sendall(first)
            while not over.wait(pause):
                connection.sendall(more)

    def serve():
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()

    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)


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
