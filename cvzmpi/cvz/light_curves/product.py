"""Products: the archive's 2-minute light curves, their names and addresses."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from cvzmpi.cvz.address import check_endpoint
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.errors import ArchiveError, ConfigError

# Start of the sector, sector, TIC number, spacecraft configuration. The 20-second light curves end
# in `a_fast-lc.fits`.
NAME = re.compile(r"tess\d{13}-s(\d{4})-(\d{16})-\d{4}-s_lc\.fits", re.ASCII)


@dataclass(frozen=True, order=True)
class Product:
    """A 2-minute SPOC light curve as the archive names it."""

    tic: int
    sector: int
    name: str

    @classmethod
    def of_name(cls, name: str) -> Product:
        """The product that has this file name.

        Raises
        ------
        ArchiveError
            If it is not the name of a 2-minute light curve.
        """
        match = NAME.fullmatch(name)
        if match is None:
            raise ArchiveError(
                f"{name}: not the name of a 2-minute light curve; expected one as "
                "tess2018206045859-s0001-0000000358108509-0120-s_lc.fits"
            )
        return cls(int(match[2]), int(match[1]), name)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Product | None:
        """The product that the ledger's facts about a unit name; None where they name none."""
        name = facts.get("product")
        return None if name is None else cls.of_name(str(name))

    @property
    def id(self) -> LightCurveId:
        """The light curve that is in it."""
        return LightCurveId(self.tic, self.sector)

    @property
    def uri(self) -> str:
        """Its name in the archive's download service."""
        return f"mast:TESS/product/{self.name}"

    @property
    def key(self) -> str:
        """Its place in the public bucket `stpubdata`, and in mirrors of that."""
        digits = f"{self.tic:016d}"
        quads = "/".join(digits[at : at + 4] for at in range(0, 16, 4))
        return f"tess/public/tid/s{self.sector:04d}/{quads}/{self.name}"


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
