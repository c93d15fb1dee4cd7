"""Listings: a request for each sector, kept, and fetched again when they are old."""

import gzip
import os
import time

import pytest

from cvzmpi.cvz.archive.answers import UnusableContentError
from cvzmpi.cvz.archive.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings import SectorListings, SectorRange
from cvzmpi.errors import ArchiveDownError
from tools.stand_in_archive.catalog import product_of

LARGEST = 1_000_000


@pytest.fixture
def listings(client, tmp_path):
    def of(archive, max_age=7.0, **sectors):
        kept = KeptListings(tmp_path / "listings", max_age)
        return SectorListings(client, archive.listings, kept, SectorRange(**sectors), LARGEST)

    return of


def test_the_light_curves_of_the_targets_are_found_and_no_others(open_archive, listings):
    archive = open_archive((1, 1), (2, 1), (1, 2), (3, 2))
    found = list(listings(archive).products({1, 3, 77}))
    assert found == [product_of(1, 1), product_of(1, 2), product_of(3, 2)]


def test_it_takes_a_request_for_each_sector_and_two_to_know_the_end(open_archive, listings):
    archive = open_archive(*((tic, sector) for tic in range(50) for sector in range(1, 6)))
    list(listings(archive).products(range(50)))
    assert len(archive.counts.requests) == 5 + 2


def test_a_gap_is_a_fault_of_the_archive_unless_it_is_expected(open_archive, listings):
    archive = open_archive((1, 1), (1, 3))
    with pytest.raises(ArchiveDownError, match=r"sector_2_.* since sector 3 is there"):
        list(listings(archive).products({1}))
    found = listings(archive, absent=frozenset({2})).products({1})
    assert [p.sector for p in found] == [1, 3]


def test_what_was_fetched_is_kept(open_archive, listings):
    archive = open_archive((1, 1), (1, 2))
    first = list(listings(archive).products({1}))
    archive.counts.requests.clear()
    assert list(listings(archive).products({1})) == first
    assert [path[-7:] for path in archive.counts.requested("")] == ["3_lc.sh", "4_lc.sh"]


def test_a_new_sector_is_seen_at_once(open_archive, listings):
    archive = open_archive((1, 1))
    list(listings(archive).products({1}))
    archive.catalog.add([product_of(1, 2)])
    assert [p.sector for p in listings(archive).products({1})] == [1, 2]


def test_an_old_listing_is_fetched_again(open_archive, listings, tmp_path):
    archive = open_archive((1, 1))
    list(listings(archive).products({1, 2}))
    age(tmp_path, days=8)
    archive.catalog.add([product_of(2, 1)])
    assert len(list(listings(archive, max_age=9).products({1, 2}))) == 1
    assert len(list(listings(archive, max_age=7).products({1, 2}))) == 2


def test_of_two_versions_the_later_one_is_taken(open_archive, listings):
    archive = open_archive((1, 1))
    name = product_of(1, 1).name.replace("-0120-", "-0123-")
    archive.catalog.add([type(product_of(1, 1))(1, 1, name)])
    assert [p.name for p in listings(archive).products({1})] == [name]


def test_20_second_light_curves_are_no_products(open_archive, listings, tmp_path):
    archive = open_archive((1, 1))
    list(listings(archive).products({1}))
    kept = tmp_path / "listings" / "tesscurl_sector_1_lc.sh.gz"
    name = "tess2018206191200-s0001-0000000000000002-0120-a_fast-lc.fits"
    line = (
        f"curl -C - -L -o {name} {archive.address}/api/v0.1/Download/file/?uri=mast:TESS/{name}\n"
    )
    kept.write_bytes(gzip.compress(gzip.decompress(kept.read_bytes()) + line.encode()))
    assert [p.tic for p in listings(archive).products({1, 2})] == [1]


def test_a_kept_listing_that_is_damaged_is_fetched_again(open_archive, listings, tmp_path):
    archive = open_archive((1, 1))
    list(listings(archive).products({1}))
    kept = tmp_path / "listings" / "tesscurl_sector_1_lc.sh.gz"
    kept.write_bytes(kept.read_bytes()[:-9])
    assert len(list(listings(archive).products({1}))) == 1
    assert len(archive.counts.requested("sector_1_")) == 2


def test_without_the_archive_an_old_listing_does(open_archive, listings, tmp_path):
    archive = open_archive((1, 1))
    list(listings(archive).products({1}))
    age(tmp_path, days=30)
    archive.listing_faults.always[0] = "503"
    found = listings(archive)
    sectors = found.products({1})
    assert next(sectors).sector == 1
    assert (
        "status 503, 4 times; try again later; its listing of 30 days ago is used"
        in (found.notes[0])
    )


def test_without_the_archive_and_without_an_old_listing_it_is_told(open_archive, listings):
    archive = open_archive((1, 1))
    archive.listing_faults.always[0] = "hang"
    with pytest.raises(ArchiveDownError, match=r"tesscurl_sector_1_lc\.sh: no answer in time"):
        list(listings(archive).products({1}))


def test_what_is_no_listing_is_refused(open_archive, listings, tmp_path):
    archive = open_archive((1, 1))
    archive.listing_faults.always[0] = "wrong file"
    with pytest.raises(UnusableContentError, match="lists no 2-minute light curve"):
        list(listings(archive).products({1}))
    assert list(tmp_path.rglob("*.gz")) == []


def test_the_listing_of_another_sector_is_refused(open_archive, client, tmp_path):
    archive = open_archive((1, 1))
    pattern = archive.listings.replace("{sector}", "1") + "?{sector}"
    listings = SectorListings(
        client,
        pattern.replace("_lc.sh?", "_lc.sh#"),
        KeptListings(tmp_path, 7),
        SectorRange(),
        LARGEST,
    )
    with pytest.raises(UnusableContentError, match="lists sector 1, expected 2"):
        list(listings.products({1}))


def age(tmp_path, days):
    """Make all kept listings older."""
    then = time.time() - days * 86400
    for file in tmp_path.rglob("*.gz"):
        os.utime(file, (then, then))
