"""Listings: a request for each sector, kept, and fetched again when they are old."""

import gzip
import os
import time
from dataclasses import replace

import pytest

from cvzmpi.cvz.archive.http.answers import UnusableContentError
from cvzmpi.cvz.archive.listings.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings.listing_format import check_listing, names_in
from cvzmpi.cvz.archive.listings.sector_listings import SectorListings
from cvzmpi.cvz.archive.listings.sector_range import SectorRange
from cvzmpi.cvz.light_curves.product_kinds import QLP
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, product_of
from cvzmpi.cvz.stand_in_archive.faults import PAGES
from cvzmpi.errors import ArchiveDownError, ArchiveError

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


@pytest.fixture
def of_qlp(client, tmp_path):
    """The listings of QLP, of a single sector, kept for no time."""

    def of(archive, sector):
        kept = KeptListings(tmp_path / "listings", 0.0, QLP)
        only = SectorRange(sector, frozenset(range(1, sector)), at_least=sector)
        return SectorListings(client, archive.listings_of(QLP), kept, only, LARGEST)

    return of


def version_of(sector, version):
    product = product_of(1, sector, QLP)
    return replace(product, name=f"{product.name.partition('_v')[0]}_v{version:02}_llc.fits")


@pytest.mark.parametrize("sector", [1, 74])  # the second version is expected of the second
def test_a_kept_listing_of_the_second_version_is_not_replaced_by_the_first(
    open_archive, of_qlp, sector
):
    """Where the server has no second version any more, or does not give it today."""
    archive = open_archive()
    archive.catalog.add([version_of(sector, 2)])
    assert list(of_qlp(archive, sector).products({1})) == [version_of(sector, 2)]
    archive.catalog = Catalog([version_of(sector, 1)])
    for archive.missing in (404, 403):
        listings = of_qlp(archive, sector)
        assert list(listings.products({1})) == [version_of(sector, 2)]
        assert any("_v02_" in note and "days ago is used" in note for note in listings.notes)


def test_another_version_is_no_substitute_for_one_that_is_forbidden_but_perhaps_there(
    open_archive, of_qlp
):
    archive = open_archive()
    archive.catalog.add([version_of(74, 1)])
    archive.missing = 403
    assert list(of_qlp(archive, 74).products({1})) == [version_of(74, 1)]
    archive.catalog = Catalog([version_of(74, 1), version_of(74, 2)])
    archive.missing = 404
    archive.listing_faults.always[74] = "403"
    archive.counts.requests.clear()
    assert list(of_qlp(archive, 74).products({1})) == [version_of(74, 1)]  # the kept one
    assert not archive.counts.requested("s0074_tess_v01")


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
    assert "status 503, 4 times; its listing of 30 days ago is used" in (found.notes[0])


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


@pytest.mark.parametrize("fault", ["403", "404", *PAGES, "redirected to log in", "bomb", "503"])
def test_a_kept_listing_outlives_whatever_the_archive_answers(
    open_archive, listings, tmp_path, fault
):
    archive = open_archive((1, 1), (1, 2))
    before = list(listings(archive).products({1}))
    age(tmp_path, days=8)
    archive.listing_faults.always[0] = fault
    found = listings(archive)
    assert list(found.products({1})) == before
    (old, *unseen) = found.notes
    assert "sector_1_lc.sh: " in old
    assert old.endswith("its listing of 8 days ago is used, and those of 1 other sector")
    # what is missing is missing, and what cannot be seen is no end
    assert (found.unseen is None) == (unseen == []) == (fault not in {"403", *PAGES})
    assert len(list(tmp_path.rglob("*.gz"))) == 2


def test_a_dead_archive_is_waited_for_once_and_not_for_each_kept_listing(
    open_archive, listings, tmp_path
):
    archive = open_archive(*((1, sector) for sector in range(1, 6)))
    list(listings(archive).products({1}))
    age(tmp_path, days=8)
    archive.counts.requests.clear()
    archive.listing_faults.always[0] = "503"
    list(listings(archive).products({1}))
    assert len(archive.counts.requested("sector_1_")) == 4  # attempts
    assert len(archive.counts.requests) == 4 + 2


@pytest.mark.parametrize(("fault", "error"), [("403", ArchiveDownError), ("404", ArchiveError)])
def test_no_listing_at_all_is_an_error(open_archive, listings, fault, error):
    archive = open_archive((1, 1))
    archive.listing_faults.always[0] = fault
    with pytest.raises(error, match=r"no sector has a listing there \(archive\.listings\)"):
        list(listings(archive).products({1}))


@pytest.mark.parametrize("fault", ["403", "404", "web page", "empty"])
def test_a_sector_that_was_there_once_must_be_there(open_archive, listings, fault):
    """Scratch was wiped, and the ledger knows of the sector."""
    archive = open_archive((1, 1), (1, 2))
    archive.listing_faults.always[2] = fault
    with pytest.raises(ArchiveDownError, match="sector_2_"):
        list(listings(archive, known=frozenset({1, 2})).products({1}))


def test_a_sector_that_is_forbidden_is_not_the_end_where_others_are_missing(open_archive, listings):
    archive = open_archive((1, 1), (1, 2))
    archive.listing_faults.always[2] = "403"
    with pytest.raises(ArchiveDownError, match=r"sector_2_.*does not give it \(status 403\)"):
        list(listings(archive).products({1}))


def test_a_public_bucket_forbids_what_it_does_not_have(open_archive, listings):
    archive = open_archive((1, 1), (1, 2))
    archive.listing_faults.always = {0: "403", 1: None, 2: None}
    found = listings(archive)
    assert len(list(found.products({1}))) == 2
    assert found.notes == []


def test_an_archive_that_begins_to_refuse_in_the_middle_is_not_at_its_end(open_archive, listings):
    archive = open_archive((1, 1), (1, 2), (1, 3))
    products = listings(archive).products({1})
    assert next(products).sector == 1
    archive.listing_faults.always[0] = "403"
    with pytest.raises(ArchiveDownError, match="sector_2_"):
        list(products)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text[: len(text) // 2], "cut or damaged"),
        (lambda text: text[:-3], "cut or damaged"),
        (lambda text: text[: text.rindex(b"curl") + 9], "cut or damaged"),
        (lambda text: text + b"<html><body>Log in</body></html>\n", "a web page is within"),
        (lambda text: text[:-120] + b"<html>Log in</html>", "a web page is within|cut or damaged"),
        (lambda text: text.replace(b"-s0001-", b"-s0002-", 4), "lists sector 2, expected 1"),
        (lambda text: text.replace(b"-s0001-", b"-s0002-"), "lists sector 2, expected 1"),
        (lambda text: b"\n" * 1_000_000, "lists no 2-minute light curve"),
        (lambda text: b" " * 1_000_000, "lists no 2-minute light curve"),
        (lambda text: b"curl " * 200_000, "lists no 2-minute light curve"),
    ],
)
def test_a_listing_that_is_not_whole_is_none_and_is_known_in_no_time(change, what):
    text = Catalog([product_of(tic, 1) for tic in range(20)]).listing(1, "http://there")
    begin = time.process_time()
    with pytest.raises(UnusableContentError, match=f"http://there/1: .*({what})"):
        check_listing("http://there/1", 1, change(text))
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"-o tess", b"--output tess"),
        lambda text: text.replace(b"curl -C - -L -o", b"wget -O"),
        lambda text: text.replace(b"-o tess", b"-o 'tess").replace(b".fits http", b".fits' http"),
        lambda text: text.rstrip(b"\n"),
        lambda text: text + b"\n\n# tess*-s_lc.fits\n",
    ],
)
def test_a_listing_may_be_written_in_other_ways(change):
    text = Catalog([product_of(tic, 1) for tic in range(20)]).listing(1, "http://there")
    assert check_listing("http://there/1", 1, change(text)) == 20
    assert [tic for tic, _ in names_in(change(text), 1)] == list(range(20))


def test_a_listing_that_became_shorter_does_not_replace_the_kept_one(
    open_archive, listings, tmp_path
):
    long = open_archive(*((tic, 1) for tic in range(1, 11)))
    short = open_archive(*((tic, 1) for tic in range(1, 6)))
    list(listings(long).products({1, 9}))
    age(tmp_path, days=8)
    found = listings(short)
    assert [p.tic for p in found.products({1, 9})] == [1, 9]
    (note,) = found.notes
    assert "lists 5 light curves, and 8 days ago 10; those are used (if that is right, rem" in note
    assert len(list(listings(long).products(range(1, 11)))) == 10


def test_an_archive_with_a_listing_for_every_number_has_an_end(open_archive, listings):
    archive = open_archive(*((1, sector) for sector in range(1, 31)))
    found = listings(archive, last=25)
    assert len(list(found.products({1}))) == 25
    assert found.notes == ["sectors after 25 are not looked for (archive.last_sector)"]
    assert len(archive.counts.requests) == 25


def age(tmp_path, days):
    """Make all kept listings older."""
    then = time.time() - days * 86400
    for file in tmp_path.rglob("*.gz"):
        os.utime(file, (then, then))
