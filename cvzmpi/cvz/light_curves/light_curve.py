"""The light curve: what the archive measured of one target in one sector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cvzmpi.cvz.light_curves.exposure import SECONDS_PER_DAY
from cvzmpi.cvz.light_curves.identity import PARTS, LightCurveId
from cvzmpi.cvz.product_names import product_name

FLUX_UNIT = "flux_unit"
"""Name in the header of the unit of the flux, as astropy writes it, where that is not e-/s."""

QUALITY_BITMASK = "quality_bitmask"
"""Name in the header of the quality bits that exclude a cadence, where the bits of the flux's maker
are not those of TESS, which the configuration chooses from (`light_curve.quality_bitmask`)."""

PRODUCT, CATALOGUE = "product", "catalogue"
"""Names in the header of the kind of product, and of the catalogue of the star's number, where they
are not `spoc` and `TIC`."""


def named(number: int, part: int, header: Mapping[str, Any], separator: str = ", ") -> str:
    """A light curve in words: `TIC 261136679, sector 1`, `KIC 10002792, quarter 2`.

    Parameters
    ----------
    number, part : int
        In the catalogue, and of the sector, quarter or campaign.
    header : mapping
        Says the catalogue, where it is not the TIC.
    """
    catalogue = str(header.get(CATALOGUE, "TIC"))
    return f"{catalogue} {number}{separator}{PARTS.get(catalogue, 'sector')} {part}"


def identity_of(
    tic: int, sector: int, header: Mapping[str, Any], exposure_seconds: float
) -> LightCurveId:
    """The identity of a light curve, whose header says the product, where it is not SPOC's."""
    maker, catalogue = str(header.get(PRODUCT, "spoc")), str(header.get(CATALOGUE, "TIC"))
    return LightCurveId(tic, sector, product_name(maker, catalogue, exposure_seconds))


@dataclass(frozen=True)
class LightCurve:
    """One target in one sector, every row of the archive's table kept."""

    # what was observed, and when
    tic: int
    sector: int
    # float64, shape (n_cadences,): mid-times of the cadences in BTJD; NaN where the archive has
    # none
    time: np.ndarray
    # flux, flux_err: float32, shape (n_cadences,): PDCSAP flux and its error in e-/s, or as
    # `FLUX_UNIT` says; NaN where the archive has none
    flux: np.ndarray
    flux_err: np.ndarray
    quality: np.ndarray  # int32, shape (n_cadences,): the quality flags of each cadence
    exposure: float  # time from one cadence to the next, in days
    # facts about the target and the processing, from the FITS headers
    header: dict[str, str | int | float] = field(default_factory=dict)
    # False where `sector` is 0 since nobody says it, and not for a quarter or campaign 0
    sector_is_said: bool = True

    @property
    def id(self) -> LightCurveId:
        """The target, the sector and the product."""
        return identity_of(self.tic, self.sector, self.header, self.exposure_seconds)

    @property
    def described(self) -> str:
        """The light curve and the name of its file, as messages say it."""
        file = self.header.get("input_file")
        name = named(self.tic, self.sector, self.header, " ")
        return f"{file}: {name}" if file else name

    @property
    def exposure_seconds(self) -> float:
        """The exposure in seconds."""
        return self.exposure * SECONDS_PER_DAY

    @property
    def n_cadences(self) -> int:
        """Number of rows, usable or not."""
        return len(self.time)

    def excluding_bits(self, quality_bitmask: int) -> int:
        """The bits that exclude a cadence, where the configuration says these of TESS's."""
        return int(self.header.get(QUALITY_BITMASK, quality_bitmask))

    def usable(self, quality_bitmask: int) -> np.ndarray:
        """Cadences with finite time, flux and error, and none of these bits in their quality.

        Where the header has bits of its own (`QUALITY_BITMASK`), these count instead. A bool for
        each row, shape (n_cadences,).
        """
        quality_bitmask = self.excluding_bits(quality_bitmask)
        return (
            np.isfinite(self.time)
            & np.isfinite(self.flux)
            & np.isfinite(self.flux_err)
            & ((self.quality & quality_bitmask) == 0)
        )


def with_note(light_curve: LightCurve, note: str) -> LightCurve:
    """The same, with one more thing told in its `input_note`."""
    told = light_curve.header.get("input_note")
    header = light_curve.header | {"input_note": f"{told}; {note}" if told else note}
    return replace(light_curve, header=header)
