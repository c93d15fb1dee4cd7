"""Scratch: nothing is there under its name that is not whole and right."""

import gzip
import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cvzmpi.cvz.archive.http.answers import Body, UnusableContentError, WrongProductError
from cvzmpi.cvz.archive.scratch.download import PlainDownloader
from cvzmpi.cvz.archive.scratch.scratch import Scratch
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, Simulation, product_of
from cvzmpi.errors import ArchiveDownError, ScratchError

PRODUCT = product_of(1, 2)


@pytest.fixture(scope="module")
def fits():
    """The right content, by product."""
    return Simulation(stamped=True).content


def body(content, length=None):
    return Body(len(content) if length is None else length, iter([content[:1000], content[1000:]]))


def files(scratch):
    return [path for path in scratch.directory.rglob("*") if path.is_file()]


def test_a_good_file_is_kept_under_its_name_with_its_facts(scratch, fits):
    content = fits(PRODUCT)
    staged = scratch.receive(PRODUCT, body(content), "http://there")
    assert files(scratch) == [staged.path]
    assert staged.path == scratch.directory / "s0002" / PRODUCT.name
    assert staged.path.read_bytes() == content
    assert 0 < staged.usable_cadences < 300
    assert staged.detail() == {
        "path": str(staged.path),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "usable_cadences": staged.usable_cadences,
        "address": "http://there",
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda fits: fits(product_of(2, 2)), "TIC 2 sector 2 came from there, expected TIC 1"),
        (lambda fits: fits(product_of(1, 3)), "TIC 1 sector 3 came from there, expected TIC 1"),
        (lambda fits: fits(PRODUCT)[:-2880], "bytes, expected|extensions, expected"),
        (lambda fits: fits(PRODUCT)[:20000], "bytes, expected|extensions?, expected|damaged"),
        (lambda fits: fits(PRODUCT) + b"more", "bytes, expected"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_is_left_of_it(scratch, fits, change, reason):
    with pytest.raises(WrongProductError, match=f"http://there: .*({reason})"):
        scratch.receive(PRODUCT, body(change(fits)), "http://there")
    assert files(scratch) == []


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html>Too busy</html>", "it begins with b'<html>Too busy</html>'"),
        (b'{"status": "ERROR"}', r"it begins with b'{\"status\""),
        (b"ask a@b.org", r"it begins with b'ask a\\x40b\.org'"),
        (b"", "it is empty"),
    ],
)
def test_what_is_no_fits_says_nothing_about_the_product(scratch, content, what):
    with pytest.raises(UnusableContentError, match=f"http://there: .* not a FITS file: {what}"):
        scratch.receive(PRODUCT, body(content), "http://there")
    assert files(scratch) == []


def test_a_cut_file_of_unknown_length_says_nothing_about_the_product(scratch, fits):
    with pytest.raises(UnusableContentError, match=r"http://there: .*expected"):
        scratch.receive(PRODUCT, Body(None, iter([fits(PRODUCT)[:20000]])), "http://there")


def test_a_compressed_file_is_refused_without_being_decompressed(scratch):
    bomb = gzip.compress(bytes(100_000_000), compresslevel=1)
    begin = time.process_time()
    with pytest.raises(UnusableContentError, match="not a FITS file"):
        scratch.receive(PRODUCT, body(bomb), "http://there")
    assert time.process_time() - begin < 0.1


def test_fewer_bytes_than_announced_are_refused(scratch, fits):
    content = fits(PRODUCT)
    with pytest.raises(UnusableContentError, match="bytes came, 10000000 were announced"):
        scratch.receive(PRODUCT, body(content, 10_000_000), "http://there")
    assert files(scratch) == []


def test_a_good_file_from_earlier_is_found(scratch, fits):
    kept = scratch.receive(PRODUCT, body(fits(PRODUCT)), "http://there")
    found = scratch.find(PRODUCT)
    assert (found.path, found.size, found.sha256) == (kept.path, kept.size, kept.sha256)
    assert "address" not in found.detail()


def test_a_bad_file_from_earlier_is_removed(scratch, fits):
    path = scratch.path(PRODUCT)
    path.parent.mkdir(parents=True)
    path.write_bytes(fits(PRODUCT)[:-5000])
    assert scratch.find(PRODUCT) is None
    assert files(scratch) == []


def test_scratch_may_vanish(scratch, fits):
    assert scratch.find(PRODUCT) is None
    assert list(scratch.products()) == []
    scratch.receive(PRODUCT, body(fits(PRODUCT)), "http://there")
    shutil.rmtree(scratch.directory)
    assert scratch.find(PRODUCT) is None
    scratch.remove(PRODUCT)
    assert scratch.receive(PRODUCT, body(fits(PRODUCT)), "http://there").path.exists()


def test_only_light_curves_under_their_names_count(scratch, fits):
    kept = scratch.receive(PRODUCT, body(fits(PRODUCT)), "http://there")
    (kept.path.parent / f".{PRODUCT.name}.host-1-2.part").write_bytes(b"half")
    (kept.path.parent / "tess_lc.fits").write_bytes(b"another thing")
    assert list(scratch.products()) == [(PRODUCT, kept.size)]


def test_what_dead_processes_left_is_removed_and_what_lives_is_not(scratch):
    directory = scratch.directory / "s0001"
    directory.mkdir(parents=True)
    old, new = directory / ".a.fits.host-1-2.part", directory / ".b.fits.host-3-4.part"
    old.write_bytes(b"half")
    new.write_bytes(b"half")
    os.utime(old, (time.time() - 1000, time.time() - 1000))
    scratch.remove_old_parts(seconds=600)
    assert files(scratch) == [new]


def test_threads_that_fetch_the_same_do_not_disturb_each_other(scratch, fits):
    content = fits(PRODUCT)
    with ThreadPoolExecutor(8) as threads:
        staged = list(
            threads.map(lambda _: scratch.receive(PRODUCT, body(content), "there"), range(40))
        )
    assert {s.sha256 for s in staged} == {hashlib.sha256(content).hexdigest()}
    assert files(scratch) == [staged[0].path]


def test_a_scratch_that_cannot_be_written_to_is_told(tmp_path, fits):
    (tmp_path / "scratch").write_text("a file")
    scratch = Scratch(tmp_path / "scratch", 0)
    with pytest.raises(ScratchError, match="scratch/s0002: cannot be made"):
        scratch.receive(PRODUCT, body(fits(PRODUCT)), "http://there")


def test_a_real_light_curve_is_good(demo_file, scratch):
    product = Product.of_name(demo_file.name)
    staged = scratch.receive(product, body(demo_file.read_bytes()), "http://there")
    assert (product.tic, product.sector) == (358108509, 1)
    assert staged.usable_cadences > 10_000


@pytest.mark.shared_data
def test_all_real_light_curves_are_good(shared_data, scratch):
    files = list((shared_data / "tess").glob("*.fits"))
    for file in files:
        scratch.receive(Product.of_name(file.name), body(file.read_bytes()), "http://there")
    assert len(list(scratch.products())) == len(files) >= 10


@pytest.mark.parametrize("scheme", ["http", "s3", "file"])
def test_the_archive_and_its_mirrors_give_the_same(
    scheme, open_archive, client, scratch, fits, tmp_path, monkeypatch
):
    archive = open_archive((1, 2))
    bases = {"http": archive.address, "s3": "s3://stpubdata", "file": f"file://{tmp_path}/mirror"}
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", archive.address)
    mirrored = tmp_path / "mirror" / PRODUCT.key
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(fits(PRODUCT))
    staged = PlainDownloader(client, bases[scheme]).download(PRODUCT, scratch)
    assert staged.path.read_bytes() == Catalog([PRODUCT], fits).content(PRODUCT)
    assert len(archive.counts.requests) == (scheme != "file")


def test_a_file_that_is_always_the_wrong_one_is_told_with_its_address(
    open_archive, client, scratch
):
    archive = open_archive((1, 2))
    archive.faults.always[1] = "wrong file"
    downloader = PlainDownloader(client, archive.address)
    with pytest.raises(WrongProductError) as caught:
        downloader.download(PRODUCT, scratch)
    assert downloader.address(PRODUCT) in str(caught.value)
    assert files(scratch) == []


def test_a_cut_mirror_is_not_mistaken_for_a_missing_file(client, scratch, tmp_path):
    (tmp_path / PRODUCT.key).mkdir(parents=True)  # something that cannot be read
    with pytest.raises(ArchiveDownError, match="a directory, not a regular file"):
        PlainDownloader(client, f"file://{tmp_path}").download(PRODUCT, scratch)
