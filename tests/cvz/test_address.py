"""Addresses: what is wrong with one is a line about the configuration, before anything is asked."""

import pytest

from cvzmpi.cvz.configuration import load
from cvzmpi.cvz.light_curves.product import address_of
from cvzmpi.cvz.stand_in_archive.catalog import product_of
from cvzmpi.errors import ConfigError


@pytest.mark.parametrize("key", ["address", "listings"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "mast.stsci.edu",
        "ftp://host",
        "http://",
        "http:///path",
        "http://host:abc",
        "http://host:99999",
        "http://host:-1",
        "http://[::1",
        "http://ho st",
        "http://host/\0",
        "http://host/%00",
        "file://relative/x",
        "file:///a%0Ab",
        "s3://",
        " http://host",
    ],
)
def test_what_is_no_address_is_one_line(key, address):
    suffix = "/{sector}" if key == "listings" else ""
    with pytest.raises(ConfigError, match=rf"^configuration: archive\.{key}: ") as caught:
        load(None, [], {f"archive.{key}": address + suffix})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://mast.stsci.edu",
        "http://127.0.0.1:8080/prefix",
        "http://[::1]:8080",
        "file:///a mirror/#1",
        "s3://stpubdata/a prefix",
    ],
)
def test_an_address_is_taken_as_it_is(address):
    assert load(None, [f'archive.address="{address}"']).archive.address == address


def test_the_address_of_listings_has_a_place_for_the_sector():
    with pytest.raises(ConfigError, match=r"archive\.listings: .* expected \{sector\} in it"):
        load(None, ['archive.listings="http://host/1.sh"'])


def test_a_server_of_buckets_that_is_no_address_is_one_line(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://host:abc")
    with pytest.raises(ConfigError, match=r"^AWS_ENDPOINT_URL_S3: 'http://host:abc' is no address"):
        address_of(product_of(1, 1), "s3://stpubdata")
