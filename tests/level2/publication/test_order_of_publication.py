"""The order of a publication, its bucket, embargo, and what one program does to others."""

from dataclasses import replace

import pytest

from cvzmpi.ledger import State
from cvzmpi.level2.interservice_bus.bus import InterserviceBus
from cvzmpi.level2.interservice_bus.bus_errors import BusUnavailableError
from cvzmpi.level2.interservice_bus.messages import QUEUES
from cvzmpi.level2.metadata_store.documents import CREATE_INVERSION
from cvzmpi.level2.metadata_store.graphql_endpoint import QueryRefusedError
from cvzmpi.level2.product.files.file_names import directory_name
from cvzmpi.level2.publication.publish import Publisher, publish_all
from cvzmpi.level2.transfers.local_copy import LocalCopy
from tests.level2.publication.inverted_programs import invert

ID = "inv.AAAAAA"


@pytest.fixture
def publisher(client, tmp_path):
    return Publisher(
        client, LocalCopy(tmp_path / "buckets"), tmp_path / "staging", tmp_path / "level1"
    )


@pytest.fixture
def inverted(catalogue, job, tmp_path):
    """Make a program inverted; the names of the files of its results."""

    def inverted(name="op_1", *ids, **changed):
        made = invert(catalogue, job, tmp_path / "handed-in", name, ids or [ID], **changed)
        return [path.name for paths in made.values() for path in paths]

    return inverted


def published(tmp_path):
    buckets = tmp_path / "buckets"
    return sorted(str(p.relative_to(buckets)) for p in buckets.rglob("*") if p.is_file())


def where(bucket, names, inversion_id=ID):
    return [f"{bucket}/pid_1_118/{directory_name(inversion_id)}/{name}" for name in names]


class WatchingBus:
    """Notes what is there when the messages come."""

    def __init__(self, store, tmp_path):
        self._store, self._tmp_path = store, tmp_path
        self.sent = []

    def send(self, messages, is_settled):
        self.sent.append([f"{m.object_name}" for m in messages])
        self.files, self.n_records = published(self._tmp_path), len(self._store.inversions)


def test_files_come_first_then_messages_then_the_record(
    catalogue, job, publisher, inverted, store, tmp_path
):
    names = inverted()
    bus = WatchingBus(store, tmp_path)
    (outcome,) = publish_all(catalogue, job, replace(publisher, bus=bus))
    assert outcome.error is None
    assert bus.sent == [[f"pid_1_118/{directory_name(ID)}/{name}" for name in names]]
    assert bus.files == where("data", names)
    assert (bus.n_records, len(store.inversions)) == (0, 1)


# ----------------------------------------------------------------- the bucket


@pytest.mark.parametrize(
    ("of_datasets", "setting", "used"),
    [("public", "", "public"), ("data", "", "data"), ("public", "other", "other")],
)
def test_the_bucket_is_that_of_the_datasets_unless_one_is_set(
    catalogue, job, publisher, inverted, store, tmp_path, of_datasets, setting, used
):
    names = inverted(bucket=of_datasets)
    publish_all(catalogue, job, replace(publisher, bucket=setting))
    assert published(tmp_path) == where(used, names)
    assert [record["bucket"] for record in store.inversions] == [used]


def test_without_any_bucket_there_is_one_line(catalogue, job, publisher, inverted, store):
    inverted(bucket=None)
    (outcome,) = publish_all(catalogue, job, publisher)
    assert outcome.error == "op_1: FE-op_1 is in no bucket: set publish.bucket"
    assert store.inversions == []


# ----------------------------------------------------------------- embargo


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"isEmbargoed": True, "embargoEndDate": "2090-05-17T00:00:00"}, "until 2090-05-17"),
        ({"isEmbargoed": False, "embargoEndDate": "2090-05-17T00:00:00"}, "until 2090-05-17"),
        ({"isEmbargoed": True, "embargoEndDate": None}, "without an end"),
    ],
)
def test_a_program_under_embargo_waits(
    catalogue, job, publisher, inverted, store, tmp_path, changed, said
):
    names = inverted(**changed)
    (outcome,) = publish_all(catalogue, job, publisher)
    assert (outcome.error, str(outcome)) == (
        None,
        f"op_1: {ID} waits: under embargo {said}",
    )
    assert (store.inversions, published(tmp_path)) == ([], [])
    assert catalogue.states()["op_1"] is State.DONE
    publish_all(catalogue, job, replace(publisher, embargoed=True))
    assert published(tmp_path) == where("data", names)
    assert catalogue.states()["op_1"] is State.PUBLISHED


def test_an_embargo_that_has_ended_is_none(catalogue, job, publisher, inverted):
    inverted(isEmbargoed=False, embargoEndDate="2023-01-01T00:00:00")
    (outcome,) = publish_all(catalogue, job, publisher)
    assert (outcome.error, outcome.waits) == (None, None)


# ----------------------------------------------------------------- what dies


def test_a_broker_that_dies_between_file_and_message_loses_none(
    catalogue, job, publisher, inverted, store, rabbitmq, tmp_path
):
    names = inverted()
    publisher = replace(publisher, bus=InterserviceBus(rabbitmq.url, "guest", timeout=5))
    rabbitmq.kill()
    with pytest.raises(BusUnavailableError):
        publish_all(catalogue, job, publisher)
    assert (published(tmp_path), store.inversions) == (where("data", names), [])
    assert catalogue.states()["op_1"] is State.DONE
    rabbitmq.start()
    (outcome,) = publish_all(catalogue, job, publisher)
    assert outcome.error is None
    sent = [m.content["objectName"] for q in QUEUES.values() for m in rabbitmq.take_messages(q)]
    assert sent == [f"pid_1_118/{directory_name(ID)}/{name}" for name in names]


def test_killed_between_registering_and_recording_it_is_registered_once(
    catalogue, job, publisher, inverted, store, monkeypatch
):
    inverted()

    def killed(*arguments, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(catalogue.ledger, "record", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_all(catalogue, job, publisher)
    (record,) = store.inversions
    with pytest.raises(QueryRefusedError, match="duplicate key value violates unique constraint"):
        publisher.store._endpoint.ask(CREATE_INVERSION, {"record": record})
    (outcome,) = publish_all(catalogue, job, publisher)
    assert outcome.error is None
    assert store.inversions == [record]
    assert catalogue.states()["op_1"] is State.PUBLISHED


def test_an_unforeseen_error_costs_its_program_alone(
    catalogue, job, publisher, inverted, monkeypatch
):
    inverted("op_1", "inv.AAAAAA")
    inverted("op_2", "inv.BBBBBB")
    submit = publisher.driver.submit

    def fail(transfer, submission):
        if "inv_AAAAAA" in transfer.destination:
            raise ZeroDivisionError("a defect")
        return submit(transfer, submission)

    monkeypatch.setattr(publisher.driver, "submit", fail)
    one, other = publish_all(catalogue, job, publisher)
    assert one.error.startswith("publish of op_1: ZeroDivisionError: a defect")
    assert "\n" not in one.error
    assert (other.inversion_id, other.error) == ("inv.BBBBBB", None)
    assert [catalogue.states()[name] for name in ("op_1", "op_2")] == [
        State.ERROR,
        State.PUBLISHED,
    ]
