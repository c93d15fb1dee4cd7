"""The stager: downloads beside the work; a bad file is one thing, a dead archive another."""

import dataclasses
import time

import pytest

from cvzmpi.cvz.archive.http.client import ArchiveClient, ClientLimits
from cvzmpi.cvz.archive.scratch.download import PlainDownloader
from cvzmpi.cvz.archive.scratch.scratch import Scratch, StagedFile
from cvzmpi.cvz.archive.scratch.stager import NotStaged, Stager
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.cvz.stand_in_archive.faults import KINDS, PAGES, Faults

STAR = product_of(1, 1)


@pytest.fixture
def open_stager(client, scratch):
    """Start a stager that fetches from an archive."""
    stagers = []

    def start(archive, give_up_after=10, client=client, n_threads=4, known_good=None):
        downloader = PlainDownloader(client, archive.address)
        stagers.append(Stager(downloader, scratch, n_threads, give_up_after, known_good))
        return stagers[-1]

    yield start
    for stager in stagers:
        stager.close()


def collect_all(stager, products=()):
    """Ask for products and wait for all of them; what became of each."""
    for product in products:
        stager.ask(product)
    results = []
    until = time.monotonic() + 60
    while stager.n_pending:
        assert time.monotonic() < until
        results += stager.collect()
        time.sleep(0.002)
    return {result.product: result for result in results}


def test_what_is_asked_for_comes(open_archive, open_stager, scratch):
    archive = open_archive(*((tic, 1) for tic in range(1, 31)))
    stager = open_stager(archive)
    products = archive.catalog.of_sector(1)
    results = collect_all(stager, products)
    assert set(results) == set(products)
    assert all(isinstance(result, StagedFile) for result in results.values())
    assert {product for product, _ in scratch.products()} == set(products)
    assert stager.n_downloaded == 30
    assert stager.down is None


def test_asking_and_collecting_return_at_once(open_archive, open_stager):
    archive = open_archive((1, 1))
    archive.faults.always[1] = "hang"
    stager = open_stager(archive)
    stager.ask(STAR)
    assert stager.collect() == []  # had either waited, there would be the failure


def test_what_is_in_scratch_is_not_fetched_again(open_archive, open_stager):
    archive = open_archive((1, 1))
    first = collect_all(open_stager(archive), [STAR])[STAR]
    again = collect_all(open_stager(archive), [STAR])[STAR]
    assert again.sha256 == first.sha256
    assert len(archive.counts.requests) == 1


def test_a_bad_file_in_scratch_is_fetched_again(open_archive, open_stager, scratch):
    archive = open_archive((1, 1))
    path = scratch.path(STAR)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half a file")
    staged = collect_all(open_stager(archive), [STAR])[STAR]
    assert path.stat().st_size == staged.size > 10_000


@pytest.mark.parametrize("fault", ["wrong file", "damaged"])
def test_a_bad_product_fails_alone_and_says_what_and_where(open_archive, open_stager, fault):
    archive = open_archive((1, 1), (2, 1))
    archive.faults.always[1] = fault
    results = collect_all(open_stager(archive), archive.catalog.of_sector(1))
    failed, came = results[STAR], results[product_of(2, 1)]
    assert isinstance(came, StagedFile)
    assert isinstance(failed, NotStaged)
    assert not failed.archive_down
    assert failed.reason.startswith(f"TIC 1 sector 1: {archive.address}/api/v0.1/Download/file/")


def test_a_product_that_the_archive_does_not_have_fails_alone(open_archive, open_stager):
    failed = collect_all(open_stager(open_archive()), [STAR])[STAR]
    assert not failed.archive_down
    assert failed.reason.endswith("the archive does not have it (status 404)")


@pytest.mark.parametrize("fault", ["503", "hang", "cut"])
def test_where_others_come_the_failure_is_the_products(open_archive, open_stager, fault):
    archive = open_archive((1, 1), *((tic, 1) for tic in range(2, 10)))
    archive.faults.always[1] = fault
    results = collect_all(open_stager(archive), archive.catalog.of_sector(1))
    assert not results[STAR].archive_down
    assert "4 times" in results[STAR].reason
    assert sum(isinstance(result, StagedFile) for result in results.values()) == 8


@pytest.mark.parametrize("n_products", [3, 40])
def test_a_dead_archive_is_given_up_and_costs_no_product_its_life(
    open_archive, open_stager, n_products
):
    archive = open_archive(*((tic, 1) for tic in range(n_products)), faults=Faults(1.0, ["503"]))
    stager = open_stager(archive, give_up_after=5)
    results = collect_all(stager, archive.catalog.of_sector(1))
    assert len(results) == n_products
    assert all(result.archive_down for result in results.values())
    assert "status 503" in stager.down
    # 5 in a row, those that were under way, and no more
    assert len(archive.counts.requests) <= (5 + 4) * 4


@pytest.mark.parametrize("n_products", [3, 25])
@pytest.mark.parametrize(
    "fault", [*PAGES, "401", "403", "204", "broken gzip", "redirected to log in"]
)
def test_an_archive_that_sends_something_else_counts_as_down(
    open_archive, open_stager, fault, n_products
):
    products = [(tic, 1) for tic in range(n_products)]
    archive = open_archive(*products, faults=Faults(1.0, [fault]))
    stager = open_stager(archive, give_up_after=5)
    results = collect_all(stager, archive.catalog.of_sector(1))
    assert len(results) == n_products
    assert all(result.archive_down for result in results.values())
    assert stager.down.startswith("the archive counts as down: TIC ")
    assert "\n" not in stager.down


@pytest.mark.parametrize("fault", ["web page", "403", "404", "no length", "wrong file"])
def test_in_a_healthy_archive_one_product_fails_alone_or_comes(open_archive, open_stager, fault):
    archive = open_archive(*((tic, 1) for tic in range(1, 10)))
    archive.faults.always[1] = fault
    results = collect_all(open_stager(archive), archive.catalog.of_sector(1))
    assert isinstance(results.pop(STAR), StagedFile) == (fault == "no length")
    assert all(isinstance(result, StagedFile) for result in results.values())


def test_a_failure_of_the_archive_that_is_over_costs_no_product_its_life(open_archive, open_stager):
    archive = open_archive((1, 1), (2, 1), (3, 1))
    archive.faults.always = {1: "web page", 2: "web page"}
    stager = open_stager(archive)
    stager.ask(STAR)
    stager.ask(product_of(2, 1))
    while archive.faults.counts["web page"] < 2 * 4:  # attempts
        time.sleep(0.001)
    archive.faults.always = {}
    results = collect_all(stager, [product_of(3, 1)])
    assert len(results) == 3
    assert all(isinstance(result, StagedFile) for result in results.values())


def test_the_last_product_that_is_broken_is_told_from_a_dead_archive(open_archive, open_stager):
    """It alone is left, and nothing else would say that the archive is well."""
    archive = open_archive((1, 1), (2, 1))
    archive.faults.always[1] = "web page"
    well = open_stager(archive, known_good=product_of(2, 1))
    failed = collect_all(well, [STAR])[STAR]
    assert not failed.archive_down
    assert well.down is None

    archive.faults.always[2] = "web page"
    dead = open_stager(archive, known_good=product_of(2, 1))
    assert collect_all(dead, [STAR])[STAR].archive_down
    assert dead.down.startswith("the archive counts as down: TIC 2 sector 1: ")


def test_many_broken_products_in_a_row_do_not_stop_the_others(open_archive, open_stager):
    archive = open_archive(*((tic, 1) for tic in range(1, 31)))
    archive.faults.always = dict.fromkeys(range(1, 21), "web page")
    stager = open_stager(archive, give_up_after=5, known_good=product_of(30, 1))
    results = collect_all(stager, archive.catalog.of_sector(1))
    assert stager.down is None
    assert sum(isinstance(result, StagedFile) for result in results.values()) == 10
    assert (
        sum(
            isinstance(result, NotStaged) and not result.archive_down for result in results.values()
        )
        == 20
    )


def test_what_is_in_scratch_is_found_also_when_the_archive_is_down(open_archive, open_stager):
    archive = open_archive((1, 1), *((tic, 1) for tic in range(2, 10)))
    collect_all(open_stager(archive), [STAR])
    archive.faults.share, archive.faults.kinds = 1.0, ("503",)
    stager = open_stager(archive, give_up_after=2)
    collect_all(stager, archive.catalog.of_sector(1)[1:])
    assert stager.down
    assert isinstance(collect_all(stager, [STAR])[STAR], StagedFile)


def test_a_scratch_that_cannot_be_written_to_is_nobodys_fault(open_archive, client, tmp_path):
    archive = open_archive((1, 1), (2, 1))
    (tmp_path / "scratch").write_text("a file")
    scratch = Scratch(tmp_path / "scratch", 0)
    stager = Stager(PlainDownloader(client, archive.address), scratch, 2, 2)
    results = collect_all(stager, archive.catalog.of_sector(1))
    assert all(result.archive_down for result in results.values())
    assert "scratch/s0001: cannot be made" in results[STAR].reason
    stager.close()


def test_a_stop_ends_waiting_threads(open_archive, open_stager):
    archive = open_archive(*((tic, 1) for tic in range(1, 9)))
    archive.faults.always = dict.fromkeys(range(1, 9), "503")
    patient = ArchiveClient(ClientLimits(first_pause=60.0))
    stager = open_stager(archive, client=patient)
    for product in archive.catalog.of_sector(1):
        stager.ask(product)
    while len(archive.counts.requests) < 4:
        time.sleep(0.001)
    begin = time.monotonic()
    stager.close()
    assert time.monotonic() - begin < 20  # the pause is a minute
    assert len(archive.counts.requests) <= 8


def test_a_defect_of_a_thread_is_raised_where_one_collects(open_archive, open_stager, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(PlainDownloader, "download", broken)
    stager = open_stager(open_archive((1, 1)))
    stager.ask(STAR)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        collect_all(stager)


def test_a_hundred_files_arrive_whole_through_every_fault(open_archive, open_stager, client):
    archive = open_archive(*((tic, 1) for tic in range(1, 101)), faults=Faults(0.2, KINDS))
    archive.faults.slow_seconds = 0.1
    patient = ArchiveClient(dataclasses.replace(client.limits, attempts=30, longest_pause=1.0))
    results = collect_all(open_stager(archive, client=patient), archive.catalog.of_sector(1))
    assert all(isinstance(result, StagedFile) for result in results.values())
    for product, staged in results.items():
        assert staged.path.read_bytes() == archive.catalog.content(product)
    assert archive.faults.counts.keys() == set(KINDS)
    assert archive.counts.most_connections <= 4
    assert set(archive.counts.delivered.values()) == {1}
