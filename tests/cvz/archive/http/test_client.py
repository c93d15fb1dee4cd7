"""The client: patient with what passes, quick about what does not, and never a burden."""

import dataclasses
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cvzmpi.cvz.archive.http.answers import (
    NotInArchiveError,
    StoppedError,
    UnusableContentError,
)
from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.stand_in_archive.faults import Faults
from cvzmpi.errors import ArchiveDownError

QUICK = ClientLimits(
    requests_per_second=100,
    connect_timeout=1,
    read_timeout=0.3,
    transfer_timeout=2,
    attempts=3,
    first_pause=0.01,
    longest_pause=0.05,
)


def file_address(archive, tic=1, sector=1):
    (product,) = [p for p in archive.catalog.of_target(tic) if p.sector == sector]
    return f"{archive.address}/api/v0.1/Download/file/?uri={product.uri}"


def whole(body):
    return b"".join(body.chunks)


def test_content_and_announced_length_come_together(open_archive, client):
    archive = open_archive((1, 1))
    lengths = []
    content = client.fetch(
        file_address(archive), lambda body: lengths.append(body.length) or whole(body)
    )
    assert content == archive.catalog.content(archive.catalog.of_sector(1)[0])
    assert lengths == [len(content)]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("503", "status 503"),
        ("429", "status 429"),
        ("hang", "no answer in time"),
        ("cut", "the connection failed|the transfer was cut"),
    ],
)
def test_what_does_not_pass_is_tried_so_often_and_told(open_archive, fault, reason):
    faults = Faults()
    faults.always[1] = fault
    archive = open_archive((1, 1), faults=faults)
    address = file_address(archive)
    with pytest.raises(ArchiveDownError, match=f"({reason}).*3 times") as caught:
        ArchiveClient(QUICK).fetch(address, whole)
    assert str(caught.value).startswith(address)
    assert len(archive.counts.requests) == 3


def test_what_passes_does_not_show(open_archive):
    archive = open_archive((1, 1), faults=Faults(0.5, ("503", "429", "hang", "cut"), seed=3))
    archive.faults.retry_after = 0
    client = ArchiveClient(dataclasses.replace(QUICK, attempts=30))
    expected = archive.catalog.content(archive.catalog.of_sector(1)[0])
    for _ in range(10):
        assert client.fetch(file_address(archive), whole) == expected
    assert sum(archive.faults.counts.values()) > 3


def test_content_that_is_refused_is_fetched_again_and_in_the_end_refused(open_archive, client):
    archive = open_archive((1, 1))

    def refuse(body):
        raise UnusableContentError("not what I want")

    with pytest.raises(UnusableContentError, match="not what I want"):
        client.fetch(file_address(archive), refuse)
    assert len(archive.counts.requests) == client.limits.attempts


def test_what_the_archive_does_not_have_is_asked_for_once(open_archive, client):
    archive = open_archive()
    address = f"{archive.address}/api/v0.1/Download/file/?uri=mast:TESS/product/no.fits"
    with pytest.raises(NotInArchiveError, match="does not have it"):
        client.fetch(address, whole)
    assert len(archive.counts.requests) == 1


def test_an_archive_that_is_not_there_is_told(client):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/file"
        with pytest.raises(ArchiveDownError, match=r"the connection failed .*refused"):
            client.fetch(address, whole)


def test_a_transfer_that_goes_on_for_ever_is_ended(open_archive):
    faults = Faults()
    faults.always[1], faults.slow_seconds = "slow", 1.0
    archive = open_archive((1, 1), faults=faults)
    client = ArchiveClient(dataclasses.replace(QUICK, transfer_timeout=0.2, attempts=1))
    with pytest.raises(ArchiveDownError, match=r"not there after 0\.2 s"):
        client.fetch(file_address(archive), whole)


def test_there_are_never_more_connections_or_requests_than_allowed(open_archive):
    archive = open_archive((1, 1))
    limits = dataclasses.replace(QUICK, connections=3, requests_per_second=50)
    client = ArchiveClient(limits)
    begin = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda _: client.fetch(file_address(archive), whole), range(60)))
    seconds = time.monotonic() - begin
    assert archive.counts.most_connections <= 3
    assert len(archive.counts.requests) == 60
    assert seconds >= 59 / 50


def test_connections_are_used_again(open_archive):
    archive = open_archive((1, 1))
    client = ArchiveClient(QUICK)
    for _ in range(10):
        client.fetch(file_address(archive), whole)
    assert archive.counts.accepted == 1


def test_a_request_to_wait_holds_back_all_threads(open_archive):
    archive = open_archive((1, 1), (2, 1))
    archive.faults.always[1] = "429"
    client = ArchiveClient(dataclasses.replace(QUICK, attempts=2, longest_pause=1.0))

    def fail():
        with pytest.raises(ArchiveDownError):
            client.fetch(file_address(archive, 1), whole)

    thread = threading.Thread(target=fail)
    thread.start()
    while not archive.faults.counts["429"]:
        time.sleep(0.001)
    time.sleep(0.05)
    client.fetch(file_address(archive, 2), whole)
    thread.join()
    times = {path: when for when, path in reversed(archive.counts.requests)}
    first, other = (times[p] for p in sorted(times))
    assert other - first >= 0.9  # Retry-After is 1


@pytest.mark.parametrize("fault", ["429", "503"])
def test_after_a_stop_nobody_waits(open_archive, fault):
    archive = open_archive((1, 1))
    archive.faults.always[1] = fault
    client = ArchiveClient(
        dataclasses.replace(QUICK, attempts=100, first_pause=60.0, longest_pause=600.0)
    )
    archive.faults.retry_after = 600
    failures = []

    def fetch():
        try:
            client.fetch(file_address(archive), whole)
        except StoppedError as error:
            failures.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    while not archive.faults.counts[fault]:
        time.sleep(0.001)
    client.stop()
    thread.join(10)
    assert len(failures) == 1


def test_files_of_a_mirror_are_read(client, tmp_path):
    (tmp_path / "a file").write_bytes(b"content")
    assert client.fetch(f"file://{tmp_path}/a%20file", whole) == b"content"
    with pytest.raises(NotInArchiveError, match="no such file"):
        client.fetch(f"file://{tmp_path}/missing", whole)
