"""Listings of other kinds than 2-minute light curves: real forms of lines, and where they are."""

import pytest

from cvzmpi.cvz.address import check_listings, listing_address
from cvzmpi.cvz.archive.http.answers import UnusableContentError
from cvzmpi.cvz.archive.listings.kept_listings import KeptListings
from cvzmpi.cvz.archive.listings.listing_format import (
    check_listing,
    count_light_curves,
    names_in,
    names_of_stars,
)
from cvzmpi.cvz.archive_configuration import ArchiveConfig
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.cvz.light_curves.product_kinds import FAST, KINDS, QLP, TESS_SPOC, TWO_MINUTES
from cvzmpi.cvz.stand_in_archive.catalog import Catalog, product_of

OTHERS = [kind for kind in KINDS if kind is not TWO_MINUTES]
by_kind = pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.products[0])

SECTOR = 27


@pytest.fixture
def listing():
    def of(kind, n=20):
        catalog = Catalog([product_of(tic, SECTOR, kind) for tic in range(1, n + 1)])
        return catalog.listing(SECTOR, "https://mast.stsci.edu", kind)

    return of


def test_the_addresses_are_those_of_the_archive():
    """As pages and programs name them that download from there."""
    settings = ArchiveConfig()
    addresses = {kind: listing_address(getattr(settings, kind.listings), 56) for kind in KINDS}
    scripts = "https://archive.stsci.edu/missions/tess/download_scripts/sector"
    hlsps = "https://archive.stsci.edu/hlsps"
    assert addresses == {
        TWO_MINUTES: f"{scripts}/tesscurl_sector_56_lc.sh",
        FAST: f"{scripts}/tesscurl_sector_56_fast-lc.sh",
        TESS_SPOC: f"{hlsps}/tess-spoc/download_scripts/"
        "hlsp_tess-spoc_tess_phot_s0056_tess_v1_dl-lc.sh",
        QLP: f"{hlsps}/qlp/download_scripts/hlsp_qlp_tess_ffi_s0056_tess_v01_llc-fits.sh",
    }


@pytest.mark.parametrize(
    ("sector", "version"), [(56, "01"), (73, "01"), (74, "02"), (79, "02"), (80, "01")]
)
def test_sectors_that_were_made_anew_are_looked_for_as_such(sector, version):
    pattern = ArchiveConfig().qlp_listings
    assert listing_address(pattern, sector, QLP.versions_in(sector)[0]).endswith(
        f"/hlsp_qlp_tess_ffi_s{sector:04}_tess_v{version}_llc-fits.sh"
    )
    name = product_of(5, sector, QLP).name
    assert name == f"hlsp_qlp_tess_ffi_s{sector:04}-{5:016}_tess_v{version}_llc.fits"
    assert Product.of_name(name) == product_of(5, sector, QLP)


def test_an_address_needs_a_place_for_the_sector():
    assert check_listings("https://a.org/s{sector:04}.sh") == "https://a.org/s{sector:04}.sh"
    with pytest.raises(ValueError, match=r"expected \{sector\} in it"):
        check_listings("https://a.org/s{sector:4}.sh")


@by_kind
def test_all_light_curves_of_a_listing_are_found(listing, kind):
    text = listing(kind)
    assert check_listing("there", SECTOR, text, kind) == count_light_curves(text, kind) == 20
    named = [(tic, product_of(tic, SECTOR, kind).name.encode()) for tic in range(1, 21)]
    assert list(names_in(text, SECTOR, kind)) == named


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            QLP,
            "curl -f --create-dirs --output 's0027/0000/0001/6554/9165/NAME' "
            "'https://mast.stsci.edu/api/v0.1/Download/file/?uri="
            "mast:HLSP/qlp/s0027/0000/0001/6554/9165/NAME'\n",
        ),
        (
            TESS_SPOC,
            "curl -C - -L --create-dirs -o s0027/target/0000/0001/6554/9165/NAME "
            "https://mast.stsci.edu/api/v0.1/Download/file/?uri="
            "mast:HLSP/tess-spoc/s0027/target/0000/0001/6554/9165/NAME\n",
        ),
        (
            FAST,
            "curl -C - -L -o NAME "
            "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/NAME\n",
        ),
    ],
)
def test_lines_have_the_form_of_the_archives_own(kind, line):
    product = product_of(165549165, SECTOR, kind)
    catalog = Catalog([product])
    text = "#!/bin/sh\n" + line.replace("NAME", product.name)
    assert catalog.listing(SECTOR, "https://mast.stsci.edu", kind).decode() == text


def test_scripts_of_a_programme_with_files_of_all_kinds_give_those_of_one():
    """Lines of MAST's `tesscurl_prop_G03119.sh`, as cdevaneprugh/CDPP-in-20s-TESS-Data has it."""
    address = "https://mast.stsci.edu/api/v0.1/Download/file/?uri=mast:TESS/product/"
    star = "tess2020186164531-s0027-0000000025132314-0189"
    endings = ("a_fast-tp.fits", "a_fast-lc.fits", "s_tp.fits", "s_lc.fits")
    lines = (f"curl -C - -L -o {star}-{end} {address}{star}-{end}\n" for end in endings)
    text = ("#!/bin/sh\n" + "".join(lines)).encode()
    for kind, ending in ((FAST, b"a_fast-lc.fits"), (TWO_MINUTES, b"s_lc.fits")):
        assert check_listing("there", SECTOR, text, kind) == 1
        expected = [(25132314, b"-".join((star.encode(), ending)))]
        assert list(names_in(text, SECTOR, kind)) == expected
        assert list(names_of_stars(text, SECTOR, [25132314], kind)) == expected


@by_kind
@pytest.mark.parametrize("other", KINDS, ids=lambda kind: kind.products[0])
def test_the_listing_of_another_kind_is_refused(listing, kind, other):
    if kind is other:
        return
    with pytest.raises(UnusableContentError, match=rf"there: lists no {kind.words}; expected"):
        check_listing("there", SECTOR, listing(other), kind)


@by_kind
def test_a_listing_that_was_cut_is_none(listing, kind):
    text = listing(kind)
    for cut in (text[: len(text) // 2], text[:-3], text[: text.rindex(b"curl") + 70]):
        with pytest.raises(UnusableContentError, match="cut or damaged"):
            check_listing("there", SECTOR, cut, kind)


def test_kept_listings_of_different_kinds_are_apart(listing, tmp_path):
    kept = {kind: KeptListings(tmp_path, 7.0, kind) for kind in KINDS}
    for n, kind in enumerate(KINDS, start=1):
        kept[kind].write(SECTOR, listing(kind, n))
        kept[kind].write(SECTOR + n, listing(kind))
    for n, kind in enumerate(KINDS, start=1):
        assert kept[kind].sectors() == {SECTOR, SECTOR + n}
        assert kept[kind].read(SECTOR).n_light_curves == n
    assert (tmp_path / "tesscurl_sector_27_lc.sh.gz").exists()  # as earlier versions kept it


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.products[0])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: text.rstrip(b"\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"curl", b"  curl"),
        lambda text: text.replace(b"curl", b"wget"),
        lambda text: text.replace(b"0007", b"000x"),
        lambda text: text.replace(b"-s0027", b"-s0028", 3),
        lambda text: text.replace(b".fits", b".fitt", 9),
        lambda text: text.replace(b".fits", b".fitx", 1),
        lambda text: text + text.replace(b"0007", b"0099"),
        lambda text: text.replace(b"curl", b"curl\n", 1),
        lambda text: text[:400].replace(b"mast", b"\n---") + text[400:],
        lambda text: b"# names\n" + text + b"# end\n",
        lambda text: b"",
    ],
)
def test_looked_at_together_or_one_by_one_the_same_are_found(listing, kind, change):
    text, tics = change(listing(kind)), {3, 7, 99, 12345}
    one_by_one = [found for found in names_in(text, SECTOR, kind) if found[0] in tics]
    assert list(names_of_stars(text, SECTOR, tics, kind)) == one_by_one
