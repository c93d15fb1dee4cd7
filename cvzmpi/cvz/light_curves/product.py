"""Products: the archive's light curves, their names and addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from cvzmpi.cvz.address import check_endpoint
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product_kinds import (
    KINDS,
    TWO_MINUTES,
    ProductKind,
    kind_of_product,
    place,
)
from cvzmpi.cvz.product_names import SPOC_120, parts_of
from cvzmpi.errors import ArchiveError, ConfigError

_EXPOSURE_BYTES, _LEAST_BYTES = 252_000_000, 500_000
"""Bytes of a light curve times its exposure in seconds: all have a row for each exposure of a
sector, and 1.8 to 2.0 MB are usual for 120 s. Headers and aperture take some, however few rows."""


@dataclass(frozen=True, order=True)
class Product:
    """A light curve as the archive names it."""

    tic: int
    sector: int
    name: str
    product: str = SPOC_120  # who made it, of what exposure, as `tess-spoc-600`

    @classmethod
    def of_name(cls, name: str) -> Product:
        """The product that has this file name.

        Raises
        ------
        ArchiveError
            If it is not the name of a light curve in the archive.
        """
        for kind in KINDS:
            if (match := kind.file_name.fullmatch(name)) is not None:
                sector = int(match["sector"])
                return cls(int(match["tic"]), sector, name, kind.product_in(sector))
        raise ArchiveError(
            f"{name}: not the name of a light curve in the archive; expected one as "
            f"{TWO_MINUTES.example} (or of 20 s, of TESS-SPOC, or of QLP)"
        )

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Product | None:
        """The product that the ledger's facts about a unit name; None where they name none."""
        name = facts.get("product")
        return None if name is None else cls.of_name(str(name))

    @property
    def kind(self) -> ProductKind:
        """The kind of product that it is."""
        return kind_of_product(self.product)

    @property
    def id(self) -> LightCurveId:
        """The light curve that is in it."""
        return LightCurveId(self.tic, self.sector, self.product)

    @property
    def uri(self) -> str:
        """Its name in the archive's download service."""
        return f"{place(self.kind.directory, self.tic, self.sector)}/{self.name}"

    @property
    def key(self) -> str:
        """Its place in the public bucket `stpubdata`, and in mirrors of that."""
        return f"{place(self.kind.bucket, self.tic, self.sector)}/{self.name}"


def usual_size(product: str) -> int:
    """Bytes that a light curve of a product counts for until it is there."""
    return max(_LEAST_BYTES, _EXPOSURE_BYTES // parts_of(product)[1])


def address_of(product: Product, base: str) -> str:
    """The address to fetch a product from.

    Parameters
    ----------
    base : str
        `https://` or `http://` with the archive's host, `s3://` with a public bucket (and perhaps a
        prefix), or `file://` with a directory; the last two have the layout of the archive's own
        bucket. As other programs do, a bucket is looked for at `AWS_ENDPOINT_URL_S3` or
        `AWS_ENDPOINT_URL`, where one of these is set.

    Returns
    -------
    str
        An `https://`, `http://` or `file://` address.
    """
    base = base.rstrip("/")
    if base.startswith("s3://"):
        # An object of a public bucket is a file on a web server. Asked for in this way, it comes
        # under the same limits, timeouts and retries as everything else, without a client of S3.
        place = urlsplit(base)
        path = f"{place.path.lstrip('/')}/{product.key}".lstrip("/")
        if endpoint := bucket_endpoint():
            return f"{endpoint.rstrip('/')}/{place.netloc}/{quote(path)}"
        return f"https://{place.netloc}.s3.amazonaws.com/{quote(path)}"
    if base.startswith("file://"):
        return f"{base}/{product.key}"
    return f"{base}/api/v0.1/Download/file/?uri={product.uri}"


def bucket_endpoint() -> str | None:
    """The server of buckets that the environment names.

    Raises
    ------
    ConfigError
        If that is no address.
    """
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if endpoint := os.environ.get(name):
            try:
                return check_endpoint(endpoint)
            except ValueError as error:
                raise ConfigError(f"{name}: {error}") from None
    return None
