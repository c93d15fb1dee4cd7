"""lightkurve's own client, real, against the stand-in: it finds, downloads, and may not hang."""

import dataclasses
import time

import pytest

from cvzmpi.cvz.archive.http.client import ArchiveClient
from cvzmpi.cvz.archive.lightkurve_search import LightkurveSearch
from cvzmpi.cvz.archive.scratch.scratch import StagedFile
from cvzmpi.cvz.archive.scratch.stager import Stager
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.product_kinds import FAST, QLP, TESS_SPOC
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.errors import ArchiveDownError, ConfigError


@pytest.fixture
def open_search(client):
    """Start lightkurve's client for an archive."""
    searches = []

    def start(archive, *products, **limits):
        # what starting takes counts as well
        patient = dataclasses.replace(client.limits, transfer_timeout=60, **limits)
        chosen = {"chosen": ChosenProducts(products)} if products else {}
        searches.append(LightkurveSearch(ArchiveClient(patient), archive.address, **chosen))
        return searches[-1]

    yield start
    for search in searches:
        search.stop()


def test_a_handful_of_targets_is_found_downloaded_and_verified(open_archive, open_search, scratch):
    asked_for = [(1, 1), (1, 28), (1, 28, FAST), (1, 28, TESS_SPOC), (2, 1), (3, 1), (3, 56, QLP)]
    archive = open_archive(*asked_for, (1, 2, TESS_SPOC))  # which has another exposure
    search = open_search(archive, "spoc-20", "spoc-120", "tess-spoc-600", "qlp")
    products = list(search.products([1, 2, 3, 999]))
    assert products == sorted(product_of(*light_curve) for light_curve in asked_for)

    stager = Stager(search, scratch, n_threads=2, give_up_after=5)
    for product in products:
        stager.ask(product)
    staged = []
    while stager.n_pending:
        staged += stager.collect()
        time.sleep(0.01)
    stager.close()
    assert all(isinstance(file, StagedFile) for file in staged)
    for file in staged:
        assert file.path.read_bytes() == archive.catalog.content(file.product)
    # nothing of the client's own directories is left, and it kept to one connection
    assert sorted(p.name for p in scratch.directory.iterdir()) == ["s0001", "s0028", "s0056"]
    assert archive.counts.most_connections <= 2
    # it is the client that asked: it looks at the size first
    assert len(archive.counts.requested("Download/file?uri=")) == 2 * len(products)


def test_a_wrong_file_is_refused_also_here(open_archive, open_search, scratch):
    archive = open_archive((1, 1), (2, 1))
    archive.faults.always[1] = "wrong file"
    stager = Stager(open_search(archive, attempts=2), scratch, n_threads=1, give_up_after=5)
    results = []
    for product in archive.catalog.of_sector(1):
        stager.ask(product)
    while stager.n_pending:
        results += stager.collect()
        time.sleep(0.01)
    stager.close()
    failed, came = sorted(results, key=lambda result: result.product)
    assert isinstance(came, StagedFile)
    assert "TIC 1 sector 1: http" in failed.reason
    assert "TIC 2 sector 1 came from there" in failed.reason


def test_an_archive_that_answers_no_query_is_not_one_without_light_curves(
    open_archive, open_search
):
    archive = open_archive((1, 1))
    search = open_search(archive, attempts=1)
    for fault in ("json", "403"):
        archive.query_faults.always[0] = fault
        with pytest.raises(ArchiveDownError, match=r"search for TIC 1\): lightkurve: ") as caught:
            list(search.products([1]))
        assert "\n" not in str(caught.value)
    archive.query_faults.always = {}
    assert list(search.products([1])) == [product_of(1, 1)]


def test_what_is_no_light_curve_or_too_large_counts_against_the_archive(
    open_archive, client, scratch
):
    archive = open_archive((1, 1))
    patient = dataclasses.replace(client.limits, transfer_timeout=60, attempts=1)
    search = LightkurveSearch(ArchiveClient(patient), archive.address, largest=50_000)
    try:
        for fault in ("endless", "web page"):
            archive.faults.always[1] = fault
            with pytest.raises(ArchiveDownError):
                search.download(product_of(1, 1), scratch)
            assert [path for path in scratch.directory.rglob("*") if path.is_file()] == []
    finally:
        search.stop()


def test_a_client_that_hangs_is_killed(open_archive, open_search, scratch):
    archive = open_archive((1, 1))
    search = open_search(archive, attempts=1)
    assert len(list(search.products([1]))) == 1  # it has started
    search._client.limits = dataclasses.replace(search._client.limits, transfer_timeout=0.5)
    archive.faults.always[1] = "hang"
    with pytest.raises(ArchiveDownError, match="lightkurve's client did not answer in time"):
        search.download(product_of(1, 1), scratch)
    assert search._process is None


def test_a_mirror_that_is_no_server_is_refused(client):
    with pytest.raises(ConfigError, match="lightkurve needs http"):
        LightkurveSearch(client, "s3://stpubdata")
