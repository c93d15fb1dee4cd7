"""Bounds: whatever an archive sends, a transfer ends in time and takes no more than it may."""

import dataclasses
import threading
import time

import pytest

from cvzmpi.cvz.archive.http.answers import (
    NotInArchiveError,
    StoppedError,
    UnusableContentError,
    content_length,
    retry_after,
)
from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.listings.kept_listings import TooLargeError, decompress
from cvzmpi.cvz.archive.scratch.download import PlainDownloader
from cvzmpi.cvz.archive.scratch.quota import USUAL_SIZE, ScratchQuota
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.errors import ArchiveDownError, ScratchError

LARGEST = 1_000_000
ONCE = ClientLimits(
    requests_per_second=100,
    connect_timeout=5,
    read_timeout=5,
    transfer_timeout=1,
    min_bytes_per_second=0,
    attempts=1,
    first_pause=0.01,
    longest_pause=0.05,
)


@pytest.fixture
def faulty(open_archive):
    """The address of a light curve that comes with this fault."""

    def of(fault):
        archive = open_archive((1, 1))
        archive.faults.always[1] = fault
        return PlainDownloader(None, archive.address).address(product_of(1, 1))

    return of


def fetch(address, limits=ONCE, sizes=None):
    """Fetch; `sizes` gets how much has come, also of what fails."""
    sizes = [] if sizes is None else sizes

    def receive(body):
        size = 0
        for chunk in body.chunks:
            size += len(chunk)
            sizes.append(size)
        return size

    return ArchiveClient(limits).fetch(address, receive, LARGEST)


@pytest.mark.parametrize("fault", ["drip", "drip of headers", "chunks that drip"])
def test_a_transfer_ends_by_the_clock_however_little_comes_at_a_time(faulty, fault):
    address = faulty(fault)
    begin = time.monotonic()
    with pytest.raises(ArchiveDownError, match=r"not there after 1 s, 1 times"):
        fetch(address)
    assert time.monotonic() - begin < 15  # the whole drip takes 100 s, and each byte comes in time


@pytest.mark.parametrize("fault", ["drip", "chunks that drip"])
def test_a_transfer_that_is_too_slow_is_ended_long_before_its_time(faulty, fault):
    slow = dataclasses.replace(
        ONCE, read_timeout=0.5, transfer_timeout=600, min_bytes_per_second=1000
    )
    address = faulty(fault)
    with pytest.raises(ArchiveDownError, match=r"bytes came in .* s, expected 1000 a second"):
        fetch(address, slow)


def test_slow_transfers_do_not_hold_up_the_others(open_archive, scratch):
    """As many as there are connections."""
    archive = open_archive(*((tic, 1) for tic in range(1, 7)))
    archive.faults.always = dict.fromkeys(range(1, 5), "drip")
    client = ArchiveClient(
        dataclasses.replace(
            ONCE, read_timeout=0.5, transfer_timeout=600, min_bytes_per_second=1000, connections=4
        )
    )
    downloader = PlainDownloader(client, archive.address)
    ended = []

    def download(tic):
        try:
            downloader.download(product_of(tic, 1), scratch)
            ended.append(tic)
        except ArchiveDownError:
            ended.append(-tic)

    threads = [threading.Thread(target=download, args=(tic,)) for tic in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == [-4, -3, -2, -1, 5, 6]


def test_a_stop_ends_a_transfer_that_is_under_way(faulty):
    client = ArchiveClient(dataclasses.replace(ONCE, transfer_timeout=600))
    address, failures, came = faulty("drip"), [], threading.Event()

    def receive(body):
        for _ in body.chunks:
            came.set()

    def run():
        try:
            client.fetch(address, receive)
        except StoppedError as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert came.wait(60)
    client.stop()
    thread.join(30)
    assert len(failures) == 1


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("endless", "more, expected at most 1,000,000 bytes"),
        ("bomb", "more, expected at most 1,000,000 bytes"),
        ("announced too large", "1,000,000,000,000,000 bytes, expected at most 1,000,000 bytes"),
    ],
)
def test_no_more_than_the_largest_size_is_read_or_decompressed(faulty, fault, what):
    sizes = []
    with pytest.raises(UnusableContentError, match=what):
        fetch(faulty(fault), dataclasses.replace(ONCE, transfer_timeout=60), sizes)
    assert max(sizes, default=0) <= LARGEST


def test_a_cut_connection_is_not_taken_for_the_end_of_the_content(open_archive):
    """Without a length, the end of the connection is that of the content."""
    archive = open_archive((1, 1))
    archive.faults.always[1] = "endless"
    address = PlainDownloader(None, archive.address).address(product_of(1, 1))
    client = ArchiveClient(dataclasses.replace(ONCE, transfer_timeout=0.3))

    def receive(body):
        for _ in body.chunks:
            time.sleep(0.02)

    with pytest.raises(ArchiveDownError, match=r"not there after 0\.3 s"):
        client.fetch(address, receive, 1e15)


@pytest.mark.parametrize("fault", ["no length", "odd length"])
def test_a_length_that_is_missing_or_no_number_does_no_harm(faulty, fault):
    assert fetch(faulty(fault), dataclasses.replace(ONCE, transfer_timeout=60)) > 10_000


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        ("odd pause", "status 429, 1 times"),
        ("broken gzip", "cannot be decompressed"),
        ("redirected in a circle", "redirected more than 10 times"),
        ("redirected to nowhere", "redirected to what is no address"),
        ("401", "status 401, expected 200"),
        ("403", "does not give it"),
        ("204", "status 204, expected 200"),
    ],
)
def test_an_odd_answer_is_one_line_and_the_archives_fault(faulty, fault, what):
    address = faulty(fault)
    patient = dataclasses.replace(ONCE, transfer_timeout=60)  # the clock is not tried here
    with pytest.raises(ArchiveDownError, match=what) as caught:
        fetch(address, patient)
    assert str(caught.value).startswith(address)
    assert "\n" not in str(caught.value)


def test_a_light_curve_takes_no_more_of_scratch_than_there_is_room_for(open_archive, scratch):
    archive = open_archive((1, 1))
    archive.faults.always[1] = "endless"
    client = ArchiveClient(dataclasses.replace(ONCE, transfer_timeout=60))
    quota = ScratchQuota(scratch, 5_000_000)
    downloader = PlainDownloader(client, archive.address, 1e15, quota)
    with pytest.raises(ScratchError, match=r"no room for more .*archive\.scratch_gb"):
        downloader.download(product_of(1, 1), scratch)
    assert list(scratch.directory.rglob("*.part")) == []
    quota.free(product_of(1, 1))
    assert quota.has_room()


def test_a_light_curve_of_the_usual_size_fits_where_it_was_reserved(tmp_path):
    quota = ScratchQuota(Scratch(tmp_path, 0), USUAL_SIZE)
    quota.reserve(product_of(1, 1))
    assert len(list(quota.within(product_of(1, 1), iter([bytes(USUAL_SIZE)])))) == 1


@pytest.mark.parametrize(
    ("text", "length"),
    [("12", 12), ("", None), ("abc", None), ("-5", None), ("\u00b2", None), ("9" * 5000, None)],
)
def test_a_length_is_a_number_or_not_known(text, length):
    assert content_length(text) == length


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("1000000000", 1e9),
        ("-5", 0),
        ("\u00b2", 0),
        ("\u0664", 0),
        ("", 0),
        ("soon", 0),
        ("9" * 5000, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
    ],
)
def test_a_pause_is_a_number_or_a_date_or_not_asked_for(text, seconds):
    assert retry_after(text) == seconds


def test_the_pause_that_an_archive_asks_for_is_bounded(open_archive):
    archive = open_archive((1, 1))
    archive.faults.always[1], archive.faults.retry_after = "429", 10**9
    address = PlainDownloader(None, archive.address).address(product_of(1, 1))
    with pytest.raises(ArchiveDownError, match="status 429, 2 times"):
        fetch(address, dataclasses.replace(ONCE, attempts=2))


@pytest.mark.parametrize("name", ["a%00b", "x" * 5000, "%0a", ".."])
def test_an_odd_file_name_is_one_line(tmp_path, name):
    with pytest.raises((NotInArchiveError, ArchiveDownError)) as caught:
        fetch(f"file://{tmp_path}/{name}")
    assert "\n" not in str(caught.value)


def test_a_file_of_a_mirror_may_have_any_name(tmp_path):
    (tmp_path / "a #1?b").write_bytes(b"content")
    assert fetch(f"file://{tmp_path}/a #1?b") == 7


def test_decompression_is_bounded():
    import gzip

    small = gzip.compress(b"content")
    assert decompress(small, 7) == b"content"
    with pytest.raises(TooLargeError, match="more than 6 bytes"):
        decompress(small, 6)
