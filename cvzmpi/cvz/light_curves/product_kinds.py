"""The kinds of products that MAST has of TESS light curves: their names, places and exposures.

Names and places of SPOC's: TESS Science Data Products Description Document (EXP-TESS-ARC-ICD-0014),
section 2. Those of the high-level science products: https://archive.stsci.edu/hlsp/tess-spoc
(Caldwell et al. 2020, RNAAS 4, 201) and https://archive.stsci.edu/hlsp/qlp (Huang et al. 2020,
RNAAS 4, 204), with the addresses in lightkurve's tests of its readers. QLP made sectors 74 to 79
anew, as version 2: `hlsp_qlp_tess_ffi_s0074-{tic}_tess_v02_llc.fits`. In the public bucket
`stpubdata`, what the download service calls `mast:HLSP/` is below `mast/hlsp/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from cvzmpi.cvz.product_names import SPOC_120

LAST_SECTOR = 9999
"""Names of files have four digits for a sector."""

_IMAGE_SECONDS = ((1, 1800), (27, 600), (56, 200))
"""Exposure of full-frame images by the first sector that has it: the prime mission and the two
extensions (https://heasarc.gsfc.nasa.gov/docs/tess/second-extended.html). The archive's own table
says another for some light curves (lightkurve, issue 1011), the sector does not."""

_IDENTITY = {"sector": r"(?P<sector>\d{4})", "tic": r"(?P<tic>\d{16})"}


@dataclass(frozen=True)
class ProductKind:
    """Light curves that one pipeline makes, of one exposure or of full-frame images."""

    maker: str  # the product's name without its exposure
    seconds: int | None  # the exposure; None for that of the full-frame images of the sector
    first_sector: int  # that has it
    author: str  # as the archive's table of observations calls the pipeline
    words: str  # what one of it is called in messages
    pattern: str  # of a file name, with `{sector}` and `{tic}`
    example: str  # of a file name
    ending: str  # of all file names
    directory: str  # in the download service, with `{sector}` and `{tic}`, a slash in its digits
    bucket: str  # the same in the public bucket
    listings: str  # the setting of `archive` with the address of its listings
    # whether every sector from the first one on has it, as it is of the mission; the deliveries of
    # others come in any order
    of_every_sector: bool
    # sectors that were made anew; the version of a file is in its name
    of_version_2: range = range(0)

    @cached_property
    def file_name(self) -> re.Pattern[str]:
        """What its file names look like, with groups `sector` and `tic`."""
        return re.compile(self.pattern.format(**_IDENTITY), re.ASCII)

    def seconds_in(self, sector: int) -> int:
        """The exposure in a sector."""
        if self.seconds is not None:
            return self.seconds
        return max(found for found in _IMAGE_SECONDS if found[0] <= max(sector, 1))[1]

    def versions_in(self, sector: int) -> tuple[int, int]:
        """The versions that there may be in a sector: first the one that is expected."""
        return (2, 1) if sector in self.of_version_2 else (1, 2)

    def product_in(self, sector: int) -> str:
        """The product's name in a sector, as `tess-spoc-600`."""
        return f"{self.maker}-{self.seconds_in(sector)}"

    @property
    def products(self) -> tuple[str, ...]:
        """The names in all sectors."""
        seconds = [s for _, s in _IMAGE_SECONDS] if self.seconds is None else [self.seconds]
        return tuple(f"{self.maker}-{s}" for s in seconds)


TWO_MINUTES = ProductKind(
    maker="spoc",
    seconds=120,
    first_sector=1,
    author="SPOC",
    words="2-minute light curve",
    # start of the sector, sector, TIC number, spacecraft configuration
    pattern=r"tess\d{{13}}-s{sector}-{tic}-\d{{4}}-s_lc\.fits",
    example="tess2018206045859-s0001-0000000358108509-0120-s_lc.fits",
    ending="-s_lc.fits",
    directory="mast:TESS/product",
    bucket="tess/public/tid/s{sector}/{tic}",
    listings="listings",
    of_every_sector=True,
)

FAST = ProductKind(
    maker="spoc",
    seconds=20,
    first_sector=27,
    author="SPOC",
    words="20-second light curve",
    pattern=r"tess\d{{13}}-s{sector}-{tic}-\d{{4}}-a_fast-lc\.fits",
    example="tess2020212050318-s0028-0000000358108509-0190-a_fast-lc.fits",
    ending="-a_fast-lc.fits",
    directory="mast:TESS/product",
    bucket="tess/public/tid/s{sector}/{tic}",
    listings="fast_listings",
    of_every_sector=True,
)

TESS_SPOC = ProductKind(
    maker="tess-spoc",
    seconds=None,
    first_sector=1,
    author="TESS-SPOC",
    words="light curve of TESS-SPOC",
    pattern=r"hlsp_tess-spoc_tess_phot_{tic}-s{sector}_tess_v\d{{1,4}}_lc\.fits",
    example="hlsp_tess-spoc_tess_phot_0000000150428135-s0006_tess_v1_lc.fits",
    ending="_lc.fits",
    directory="mast:HLSP/tess-spoc/s{sector}/target/{tic}",
    bucket="mast/hlsp/tess-spoc/s{sector}/target/{tic}",
    listings="tess_spoc_listings",
    of_every_sector=False,
)

QLP = ProductKind(
    maker="qlp",
    seconds=None,
    first_sector=1,
    author="QLP",
    words="light curve of QLP",
    pattern=r"hlsp_qlp_tess_ffi_s{sector}-{tic}_tess_v\d{{1,4}}_llc\.fits",
    example="hlsp_qlp_tess_ffi_s0011-0000000277554109_tess_v01_llc.fits",
    ending="_llc.fits",
    directory="mast:HLSP/qlp/s{sector}/{tic}",
    bucket="mast/hlsp/qlp/s{sector}/{tic}",
    listings="qlp_listings",
    of_every_sector=False,
    of_version_2=range(74, 80),
)

KINDS = (TWO_MINUTES, FAST, TESS_SPOC, QLP)
"""What the archive has; the mission's own first, whose listings tell how many sectors there are."""

_OF_PRODUCT = {product: kind for kind in KINDS for product in kind.products}


def kind_of_product(product: str) -> ProductKind:
    """The kind of a product by its name, as `qlp-600`."""
    return _OF_PRODUCT[product]


def place(template: str, tic: int, sector: int) -> str:
    """A `directory` or `bucket` of a kind for a star and a sector."""
    digits = f"{tic:016d}"
    quads = "/".join(digits[at : at + 4] for at in range(0, 16, 4))
    return template.format(sector=f"{sector:04d}", tic=quads)


assert TWO_MINUTES.products == (SPOC_120,)
