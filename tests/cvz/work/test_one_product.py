"""Of each target and sector one product is searched, also where files or the choice change."""

import os
import shutil

import pytest
from astropy.io import fits

from cvzmpi.cvz.configuration import Config
from cvzmpi.cvz.light_curves import input_directory
from cvzmpi.cvz.light_curves.chosen_products import ChosenProducts
from cvzmpi.cvz.light_curves.fits_header import read_headers
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.input_directory import scan_directory
from cvzmpi.cvz.light_curves.light_curve_source import InputFile, LightCurveSource
from cvzmpi.cvz.work.inventory import Inventory
from cvzmpi.cvz.work.known_files import KnownFiles
from cvzmpi.cvz.work.one_product import with_begun
from cvzmpi.ledger import Event, State
from tests.cvz.light_curves.readers import made_files

FAST, USUAL, FFI = LightCurveId(7, 1, "spoc-20"), LightCurveId(7, 1), LightCurveId(7, 1, "qlp-600")
OTHER = LightCurveId(8, 1)
FAST_FIRST, USUAL_ONLY = ChosenProducts(("spoc-20", "spoc-120")), ChosenProducts(("spoc-120",))


@pytest.mark.parametrize(
    ("found", "begun", "left"),
    [
        ([USUAL], [], [USUAL]),
        ([USUAL], [FAST], [FAST]),  # the FITS file of the better one may be gone by now
        ([USUAL, OTHER], [FAST], [FAST, OTHER]),
        ([FAST], [USUAL], [FAST, USUAL]),  # a better one is new; what is begun is finished
        ([USUAL], [FAST, USUAL], [FAST, USUAL]),
        ([USUAL], [FFI], [FFI, USUAL]),  # of a product that is not chosen any more
    ],
)
def test_a_target_and_sector_is_not_begun_where_a_better_product_is(found, begun, left):
    sources = with_begun([LightCurveSource(one) for one in found], begun, FAST_FIRST)
    assert sorted(source.id for source in sources) == sorted(left)


# ------------------------------------------------------------- the choice changes


@pytest.fixture
def search(ledger, job):
    """Take light curves of a choice of products into the ledger, as a job does."""

    def search(light_curves, products, present=()):
        inventory = Inventory(Config(), ledger, job, present=present, look=lambda light_curve: None)
        sources = [LightCurveSource(one) for one in light_curves]
        known = ledger.units()
        inventory.take(sources, [])
        inventory.close_others(sources, products, known)
        return {unit.name: unit.state for unit in ledger.units()}

    return search


def test_units_that_wait_are_closed_for_a_better_product_and_opened_again(search, ledger):
    waits, closed = State.PREPROCESSED, State.NOT_QUALIFIED
    assert search([USUAL, OTHER], USUAL_ONLY) == {"7_1": waits, "8_1": waits}
    for _ in range(2):
        states = search([FAST, OTHER], FAST_FIRST)
        assert states == {"7_1": closed, "7_1_spoc-20": waits, "8_1": waits}
        assert ledger.history("7_1")[-1].message == "spoc-20 is searched instead (input.products)"
        states = search([USUAL, OTHER], USUAL_ONLY)
        assert states == {"7_1": waits, "7_1_spoc-20": closed, "8_1": waits}
        message = ledger.history("7_1_spoc-20")[-1].message
        assert message == "spoc-20 is not among the products (input.products)"


def test_units_of_another_batch_or_without_their_file_are_not_closed(search):
    search([USUAL, OTHER], USUAL_ONLY)
    assert search([OTHER], FAST_FIRST)["7_1"] is State.PREPROCESSED


def test_what_is_begun_or_done_is_not_closed(search, ledger, job):
    search([USUAL, OTHER], USUAL_ONLY)
    ledger.record([Event("7_1", State.WORKING), Event("8_1", State.WORKING)], job)
    ledger.record([Event("7_1", State.DONE), Event("8_1", State.PREPROCESSED, progress=2)], job)
    better = [FAST, LightCurveId(8, 1, "spoc-20"), USUAL, OTHER]
    states = search(better, FAST_FIRST, present=[USUAL, OTHER])
    assert (states["7_1"], states["8_1"]) == (State.DONE, State.PREPROCESSED)


def test_a_unit_that_a_job_has_is_not_closed(search, ledger, job):
    """It is finished all the same, and its result is to count."""
    search([USUAL, OTHER], USUAL_ONLY)
    other = ledger.jobs.begin("run")
    (claimed,) = ledger.claims.take(other, 1, [State.PREPROCESSED])
    states = search([FAST, LightCurveId(8, 1, "spoc-20")], FAST_FIRST)
    assert states.pop(claimed.name) is State.PREPROCESSED
    assert sorted(map(str, states.values())) == ["not_qualified", "preprocessed", "preprocessed"]


def test_a_unit_that_failed_is_closed_for_a_better_product(search, ledger, job):
    search([USUAL, OTHER], USUAL_ONLY)
    for name in ("7_1", "8_1"):
        ledger.record([Event(name, State.WORKING), Event(name, State.ERROR, message="gone")], job)
    states = search([FAST], FAST_FIRST)
    assert (states["7_1"], states["8_1"]) == (State.NOT_QUALIFIED, State.ERROR)
    assert ledger.history("7_1")[-1].message == "spoc-20 is searched instead (input.products)"
    assert search([USUAL], USUAL_ONLY)["7_1"] is State.PREPROCESSED


def test_units_that_did_not_meet_the_criteria_of_an_archive_stay_closed(search, ledger, job):
    search([], USUAL_ONLY)
    search([USUAL], USUAL_ONLY)
    ledger.record([Event("7_1", State.QUALIFIED)], job)
    ledger.record([Event("7_1", State.NOT_QUALIFIED, message="too few sectors")], job)
    assert search([USUAL], USUAL_ONLY) == {"7_1": State.NOT_QUALIFIED}


# -------------------------------------------------------------- files are damaged


def test_a_whole_file_is_taken_rather_than_a_damaged_one_of_a_better_product(tmp_path):
    fast, usual = tmp_path / "fast.fits", made_files.spoc(tmp_path / "usual.fits", 120)
    shutil.copyfile(made_files.spoc(tmp_path / "whole", 20), fast)
    (tmp_path / "whole").unlink()
    whole = fast.read_bytes()
    fast.write_bytes(whole[: len(whole) - 5760])
    (source,), rejected = scan_directory(tmp_path, products=FAST_FIRST)
    assert (source.path, source.id.product, rejected) == (usual, "spoc-120", [])
    (other,) = source.other_products
    assert str(other) == f"{fast}: spoc-20, truncated or damaged; {usual} is taken, spoc-120"
    usual.unlink()
    (source,), _ = scan_directory(tmp_path, products=FAST_FIRST)
    assert source.path == fast  # nothing better is there: its team says what is wrong with it


@pytest.fixture
def read(monkeypatch):
    """The names of the files whose headers are read."""
    read = []

    def count(path):
        read.append(path.name)
        return read_headers(path)

    monkeypatch.setattr(input_directory, "read_headers", count)
    return read


def test_headers_are_read_once_and_of_the_best_alone_where_no_more_of_the_files_is_known(
    tmp_path, read
):
    """As in ledgers of earlier versions."""
    paths = [made_files.spoc(tmp_path / f"{seconds}.fits", seconds) for seconds in (20, 120)]
    (source,), _ = scan_directory(tmp_path, products=FAST_FIRST)
    assert sorted(read) == ["120.fits", "20.fits"]
    read.clear()
    usual = source.id._replace(product="spoc-120")
    ids = zip(paths, (source.id, usual), strict=True)
    known = {
        (str(path), path.stat().st_size): InputFile(path, path.stat().st_size, one)
        for path, one in ids
    }
    (again,), _ = scan_directory(tmp_path, known, FAST_FIRST)
    assert (again.path, again.other_products) == (source.path, source.other_products)
    assert read == ["20.fits"]


def test_a_start_reads_no_header_of_a_file_that_did_not_change(tmp_path, read, ledger, job):
    """Of whatever product, of several versions of one, whole or truncated."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for seconds in (20, 120, 600):
        made_files.spoc(inputs / f"{seconds}.fits", seconds)
    for version in ("01", "02"):
        name = f"hlsp_qlp_tess_ffi_s0074-0000000277554109_tess_v{version}_llc.fits"
        made_files.qlp(inputs / name, 74, 200)
    whole = (inputs / "20.fits").read_bytes()
    (inputs / "20.fits").write_bytes(whole[: len(whole) - 5760])
    products = ChosenProducts(("spoc-20", "spoc-120", "tess-spoc", "qlp"))

    def start():
        read.clear()
        found, rejected = scan_directory(inputs, KnownFiles(ledger.units()), products)
        inventory = Inventory(Config(), ledger, job, present=(), look=lambda light_curve: None)
        inventory.take(found, rejected)
        return found

    first = start()
    assert set(read) == {path.name for path in inputs.iterdir()}
    assert [source.path.name for source in first] == ["120.fits", name]
    assert start() == first
    assert read == []

    (inputs / "20.fits").write_bytes(whole)
    assert [source.path.name for source in start()] == ["20.fits", name]
    assert read == ["20.fits"]
    start()
    assert read == []


def test_a_start_reads_no_header_of_a_link_to_a_file_that_is_here(tmp_path, read, ledger, job):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "b.fits").symlink_to(made_files.spoc(inputs / "a.fits", 120))
    for headers_read in (["a.fits", "b.fits"], []):
        read.clear()
        found, _ = scan_directory(inputs, KnownFiles(ledger.units()), USUAL_ONLY)
        assert (found[0].path, found[0].others) == (inputs / "a.fits", ())
        assert sorted(read) == headers_read
        inventory = Inventory(Config(), ledger, job, present=(), look=lambda light_curve: None)
        inventory.take(found, [])


def test_a_file_that_is_rewritten_at_its_size_is_read_again(tmp_path, read, ledger, job):
    """Blocks of FITS make equal sizes common."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    paths = [made_files.spoc(inputs / name, 120) for name in ("a.fits", "b.fits")]

    def start():
        read.clear()
        found, _ = scan_directory(inputs, KnownFiles(ledger.units()), USUAL_ONLY)
        inventory = Inventory(Config(), ledger, job, present=(), look=lambda light_curve: None)
        inventory.take(found, [])
        return found[0].path

    for path in paths:
        with fits.open(path, mode="update") as hdus:
            hdus[0].header["PROCVER"] = "spoc-5.0.1-20200904"
    assert start() == paths[0]
    content, status = paths[1].read_bytes(), paths[1].stat()
    paths[1].write_bytes(content.replace(b"spoc-5.0.1-2020", b"spoc-5.0.1-2021"))
    os.utime(paths[1], ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
    assert paths[1].stat().st_size == status.st_size
    assert start() == paths[1]
    assert "a.fits" not in read


def test_of_two_versions_of_a_product_the_newer_one_is_taken(tmp_path):
    names = [f"hlsp_qlp_tess_ffi_s0074-0000000277554109_tess_v{v}_llc.fits" for v in ("01", "02")]
    for name in names:
        made_files.qlp(tmp_path / name, 74, 200)
    (source,), _ = scan_directory(tmp_path, products=ChosenProducts(("qlp",)))
    assert source.path.name == names[1]
    assert [other.path.name for other in source.others] == names[:1]


def test_a_damaged_file_is_no_failure_where_another_product_of_its_sector_is_whole(tmp_path):
    """As with one product: the other file is searched, and its team does not read this one."""
    usual = tmp_path / "tess2020186164531-s0027-0000000261136679-0189-s_lc.fits"
    fast = tmp_path / "tess2020186164531-s0027-0000000261136679-0189-a_fast-lc.fits"
    for whole, cut, seconds in ((usual, fast, 120), (fast, usual, 20)):
        made_files.spoc(whole, seconds)
        cut.write_bytes(whole.read_bytes()[:3000])
        (source,), rejected = scan_directory(
            tmp_path, products=USUAL_ONLY if whole == usual else FAST_FIRST
        )
        assert (source.path, source.others, rejected) == (whole, (), [])
        (other,) = source.other_products
        assert other.path == cut
        assert other.reason.endswith(f"; {whole} is taken")


def test_a_damaged_file_is_a_failure_where_no_other_of_its_sector_is_there(tmp_path):
    made_files.spoc(tmp_path / "lc.fits", 120)  # of sector 27
    cut = tmp_path / "tess2020186164531-s0028-0000000261136679-0189-a_fast-lc.fits"
    cut.write_bytes((tmp_path / "lc.fits").read_bytes()[:3000])
    (source,), (rejected,) = scan_directory(tmp_path)
    assert (source.passed_over, rejected.name) == ((), cut.name)
