"""Names of products and their places."""

import pytest

from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product, address_of
from cvzmpi.errors import ArchiveError

NAME = "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
KEY = f"tess/public/tid/s0001/0000/0003/5810/8509/{NAME}"


def test_a_name_says_which_star_and_which_sector():
    product = Product.of_name(NAME)
    assert (product.id, product.id.name) == (LightCurveId(358108509, 1), "358108509_1")
    assert product.uri == f"mast:TESS/product/{NAME}"
    assert product.key == KEY


@pytest.mark.parametrize(
    "name",
    [
        "tess2020212050318-s0028-0000000358108509-0190-a_fast-lc.fits",  # 20 seconds
        "tess2018206045859-s0001-0000000358108509-0120-s_tp.fits",
        f"../{NAME}",
        f"{NAME}.gz",
        "tess2018206045859-s0001-000000035810850٩-0120-s_lc.fits",
        "",
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(ArchiveError, match="not the name of a 2-minute light curve"):
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
