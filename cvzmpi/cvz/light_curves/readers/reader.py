"""What a reader is: it recognises one kind of file, and reads the light curve in it.

A reader of somebody else is an entry point of the group `cvzmpi.readers` that leads to an object
with these methods; it is asked for files that no reader of the package recognises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from cvzmpi.cvz.light_curves.exposure import KEPLER_LONG, KEPLER_SHORT
from cvzmpi.cvz.light_curves.fits_file import looks_like_fits, read_content
from cvzmpi.cvz.light_curves.light_curve import LightCurve


@dataclass(frozen=True)
class GivenFile:
    """A file that may hold a light curve."""

    path: Path
    # column names by what they hold (`time`, `flux`, ...), for tables that call them otherwise
    columns: dict[str, str] = field(default_factory=dict)

    @cached_property
    def is_fits(self) -> bool:
        """True for a FITS file, perhaps gzipped, by its first bytes.

        Raises
        ------
        LightCurveError
            If it is only named so.
        """
        return looks_like_fits(self.path)

    @cached_property
    def content(self) -> bytes:
        """All of a FITS file, uncompressed; see `fits_file.read_content`."""
        return read_content(self.path)


class Reader(Protocol):
    """Reads one kind of file."""

    def recognises(self, file: GivenFile) -> bool:
        """Whether the file is of this kind; quick, for it is asked for every file."""

    def read(self, file: GivenFile) -> LightCurve:
        """Read it.

        Returns
        -------
        LightCurve
            Times are BTJD and increase, flux and error are float32, NaN where nothing was measured.
            Its header may hold `light_curve.FLUX_UNIT`, where that is not e-/s, and
            `light_curve.QUALITY_BITMASK`, where the quality bits are not those of TESS.

        Raises
        ------
        LightCurveError
            One line: the file, what is wrong, and what was expected.
        """


BTJD_ZERO = 2457000
"""BJD at which BTJD is 0."""

TIME_ZEROS = {"btjd": 0.0, "bkjd": -2167.0, "jd": -2457000.0, "mjd": 2400000.5 - 2457000.0}
"""Days to be added to times of a kind, for BTJD; the names are astropy's and lightkurve's."""


class Observed(NamedTuple):
    """When a mission observed, to tell times that it cannot have."""

    first: float  # BTJD
    last: float
    days_from_median: float  # of one sector, quarter or campaign


TESS = Observed(1000.0, 40000.0, 40.0)
"""TESS observes since BTJD 1325; a sector takes 28 days."""

KEPLER = Observed(-2167.0, 1700.0, 60.0)
"""Kepler and K2 observed from BKJD 120 to 3595, quarters of up to 98 days."""


@dataclass(frozen=True)
class Kind:
    """What a kind of FITS file says of its light curves, and how."""

    name: str  # of the product, as files and index say it
    catalogue: str  # TIC, KIC or EPIC
    exposures: tuple[float, ...]  # in seconds; empty where the times must tell
    # the quality bits that exclude a cadence; None where they are those of TESS, and so chosen by
    # the configuration (`light_curve.quality_bitmask`)
    quality_bitmask: int | None
    flux_unit: str | None  # as astropy writes it; None for e-/s
    observed: Observed
    has_rows_for_gaps: bool = True
    # some have no flux errors; of the others, a file without any is damaged
    may_lack_errors: bool = False


class Columns(NamedTuple):
    """Names of the columns in a file; None where there is none."""

    time: str
    flux: str
    flux_err: str
    quality: str | None


SPOC_COLUMNS = Columns("TIME", "PDCSAP_FLUX", "PDCSAP_FLUX_ERR", "QUALITY")
KEPLER_COLUMNS = SPOC_COLUMNS._replace(quality="SAP_QUALITY")

SPOC = Kind("spoc", "TIC", (20.0, 120.0), None, None, TESS)

TESS_SPOC = Kind("tess-spoc", "TIC", (200.0, 600.0, 1800.0), None, None, TESS)
"""Light curves of full-frame images, with the columns and the quality bits of SPOC's (Caldwell et
al. 2020, RNAAS 4, 201)."""

SPOC_QUALITY = 16575
"""The bits that are left out of SPOC's: `light_curve.quality_bitmask` by default."""

QLP_LOW_PRECISION, QLP_LOW_PRECISION_SINCE_56 = 1 << 12, 1 << 30
"""QLP's own quality bit, "low precision", beside those of SPOC's: 2^12 in sectors 1 to 55, 2^30
from sector 56 on (lightkurve 2.6.0, `lightkurve/io/qlp.py`)."""

QLP_TGLC = 1 << 29
"""A quality bit of TGLC, whose photometry QLP has since sector 94 (QLP Data Release Notes 004,
arXiv:2603.22236), beside the "low precision" of QLP itself (TeHanHunter/TWIRL 6717a17,
`src/twirl/io/hlsp.py`: 2^0 to 2^15 of SPOC, 2^29 of TGLC, 2^30 of QLP). In a file of sector 59
these cadences have up to 13 times the star's flux, of scattered light."""

QLP_NEW_COLUMNS = 56
"""Sector from which on the detrended columns have other names."""


def qlp(sector: int) -> Kind:
    """QLP's light curves of a sector: normalised flux, of full-frame images."""
    new = QLP_LOW_PRECISION_SINCE_56 | QLP_TGLC
    own = QLP_LOW_PRECISION if sector < QLP_NEW_COLUMNS else new
    return Kind(
        *("qlp", "TIC", (200.0, 600.0, 1800.0), SPOC_QUALITY | own, "", TESS),
        has_rows_for_gaps=False,
        may_lack_errors=True,
    )


KEPLER_QUALITY = (
    (1 << 0)  # attitude tweak
    | (1 << 1)  # safe mode
    | (1 << 2)  # coarse point
    | (1 << 3)  # Earth point
    | (1 << 5)  # reaction wheel desaturation
    | (1 << 8)  # manual exclude
    | (1 << 14)  # detector anomaly
    | (1 << 16)  # no data
    | (1 << 20)  # thruster firing (K2)
)
"""The bits of SAP_QUALITY that exclude a cadence (Kepler Archive Manual, KDMC-10008-006, table 2-3;
the cadences that are definitely useless). 2^11, impulsive outlier, is not among them: it marks
the brightest cadence of flares."""


def kepler(catalogue: str) -> Kind:
    """Kepler's and K2's light curves."""
    exposures = (KEPLER_SHORT, KEPLER_LONG)
    return Kind("kepler", catalogue, exposures, KEPLER_QUALITY, None, KEPLER)


def by_lightkurve(mission: str) -> Kind:
    """What lightkurve wrote of light curves of a mission, by their quality bits."""
    if mission == "TESS":
        return Kind("lightkurve", "TIC", (), None, None, TESS, may_lack_errors=True)
    catalogue = "EPIC" if mission == "K2" else "KIC"
    return Kind("lightkurve", catalogue, (), KEPLER_QUALITY, None, KEPLER, may_lack_errors=True)
