"""Addresses in the configuration, which are checked before any request."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from cvzmpi.messages.redaction import shown_url

_FORMS = {
    "https": "https://HOST",
    "http": "http://HOST",
    "s3": "s3://BUCKET",
    "file": "file:///DIRECTORY",
}
_HTTP = ("https", "http")


def check_address(address: str, *, schemes: tuple[str, ...] = tuple(_FORMS)) -> str:
    """Check the address of an archive or of a mirror, and give it back.

    Raises
    ------
    ValueError
        Names the fault and the expected form.
    """
    fault = _fault(address, schemes)
    if fault is not None:
        raise ValueError(f"{shown_url(address)!r} {fault}")
    return address


_VERSION = "{version:02}"


def listing_address(pattern: str, sector: int, version: int = 1) -> str:
    """The address of the listing of a sector.

    Parameters
    ----------
    pattern : str
        With `{sector}` in place of the number, or `{sector:04}` for one of four digits; perhaps
        with `{version:02}` in place of the version of the light curves.
    """
    address = pattern.replace("{sector:04}", f"{sector:04d}").replace("{sector}", str(sector))
    return address.replace(_VERSION, f"{version:02d}")


def has_versions(pattern: str) -> bool:
    """True if there are listings of different versions by this address."""
    return _VERSION in pattern


def check_listings(address: str) -> str:
    """Check the address of listings, which has `{sector}` in it, and give it back.

    Raises
    ------
    ValueError
        Names the fault and the expected form.
    """
    if listing_address(address, 1) == address:
        raise ValueError(
            f"{shown_url(address)!r}: expected {{sector}} in it, in place of the number"
        )
    check_address(listing_address(address, 1), schemes=(*_HTTP, "file"))
    return address


def check_endpoint(address: str) -> str:
    """Check the address of a server of buckets, as `check_address`."""
    return check_address(address, schemes=_HTTP)


def _fault(address: str, schemes: tuple[str, ...]) -> str | None:
    """The fault of an address and the expected form; None if there is no fault."""
    scheme, separator, rest = address.partition("://")
    expected = f"is no address, expected {' or '.join(_FORMS[s] for s in schemes)}"
    if not separator or scheme not in schemes:
        return expected
    if not unquote(address).isprintable() or (scheme in _HTTP and " " in address):
        return "has a blank or a character in it that cannot be in an address"
    if scheme == "file":
        return None if rest.startswith("/") else f"expected {_FORMS['file']}, with three slashes"
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return f"{expected}: {error}"
    return expected if not host or port == 0 else None
