"""Names of products and their places."""

import pytest

from cvzmpi.cvz.light_curves.product import Product, address_of, usual_size
from cvzmpi.cvz.light_curves.product_kinds import KINDS, QLP, TESS_SPOC
from cvzmpi.errors import ArchiveError

NAME = "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
KEY = f"tess/public/tid/s0001/0000/0003/5810/8509/{NAME}"


def test_a_name_says_which_star_and_which_sector():
    product = Product.of_name(NAME)
    assert (product.id, product.id.name) == ((358108509, 1, "spoc-120"), "358108509_1")
    assert product.uri == f"mast:TESS/product/{NAME}"
    assert product.key == KEY


@pytest.mark.parametrize(
    ("uri", "key", "unit"),
    [
        (
            "mast:TESS/product/tess2021091135823-s0037-0000000272213425-0208-a_fast-lc.fits",
            "tess/public/tid/s0037/0000/0002/7221/3425",
            "272213425_37_spoc-20",
        ),
        (
            "mast:HLSP/tess-spoc/s0006/target/0000/0001/5042/8135/"
            "hlsp_tess-spoc_tess_phot_0000000150428135-s0006_tess_v1_lc.fits",
            "mast/hlsp/tess-spoc/s0006/target/0000/0001/5042/8135",
            "150428135_6_tess-spoc-1800",
        ),
        (
            "mast:HLSP/qlp/s0037/0000/0002/7221/3425/"
            "hlsp_qlp_tess_ffi_s0037-0000000272213425_tess_v01_llc.fits",
            "mast/hlsp/qlp/s0037/0000/0002/7221/3425",
            "272213425_37_qlp-600",
        ),
    ],
)
def test_other_products_have_names_and_places_of_their_own(uri, key, unit):
    """The addresses are those of real light curves, as MAST's table of products has them."""
    name = uri.rpartition("/")[2]
    product = Product.of_name(name)
    assert (product.id.name, product.uri, product.key) == (unit, uri, f"{key}/{name}")
    assert Product.of_facts({"tic": product.tic, "product": name}) == product


def test_room_is_reserved_by_the_exposure():
    sizes = {name: usual_size(name) for name in ("spoc-20", "spoc-120", "qlp-200", "qlp-1800")}
    assert sizes == {
        "spoc-20": 12_600_000,
        "spoc-120": 2_100_000,
        "qlp-200": 1_260_000,
        "qlp-1800": 500_000,
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.products[0])
def test_every_kind_recognises_its_example_and_no_other_kind_does(kind):
    matching = [other for other in KINDS if other.file_name.fullmatch(kind.example)]
    assert matching == [kind]
    assert kind.example.endswith(kind.ending)
    assert Product.of_name(kind.example).kind is kind


@pytest.mark.parametrize(
    ("sector", "seconds"), [(1, 1800), (26, 1800), (27, 600), (55, 600), (56, 200), (999, 200)]
)
def test_full_frame_images_have_the_exposure_of_their_sector(sector, seconds):
    assert (TESS_SPOC.seconds_in(sector), QLP.seconds_in(sector)) == (seconds, seconds)
    assert QLP.product_in(sector) == f"qlp-{seconds}"


@pytest.mark.parametrize(
    "name",
    [
        "tess2020212050318-s0028-0000000358108509-0190-a_fast-tp.fits",
        "hlsp_tess-spoc_tess_phot_0000000150428135-s0006_tess_v1_tp.fits",
        "hlsp_qlp_tess_ffi_s0011-0000000277554109_tess_v01_llc.txt",
        "tess2018206045859-s0001-0000000358108509-0120-s_tp.fits",
        f"../{NAME}",
        f"{NAME}.gz",
        "tess2018206045859-s0001-000000035810850٩-0120-s_lc.fits",
        "",
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(ArchiveError, match="not the name of a light curve in the archive"):
        Product.of_name(name)


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://a.org", f"https://a.org/api/v0.1/Download/file/?uri=mast:TESS/product/{NAME}"),
        ("http://a.org/", f"http://a.org/api/v0.1/Download/file/?uri=mast:TESS/product/{NAME}"),
        ("s3://stpubdata", f"https://stpubdata.s3.amazonaws.com/{KEY}"),
        ("s3://mine/copy/", f"https://mine.s3.amazonaws.com/copy/{KEY}"),
        ("file:///data/tess", f"file:///data/tess/{KEY}"),
    ],
)
def test_the_archive_and_its_mirrors_have_it_at_different_addresses(base, address, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert address_of(Product.of_name(NAME), base) == address


def test_buckets_may_be_elsewhere(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://storage:9000/")
    assert address_of(Product.of_name(NAME), "s3://mine") == f"http://storage:9000/mine/{KEY}"
