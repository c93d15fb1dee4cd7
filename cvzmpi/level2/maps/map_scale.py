"""The scale of a map on the Sun, from the world coordinates in its FITS headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from math import cos, hypot, isfinite, pi, radians
from typing import Any

from cvzmpi.errors import Level1Error

ASTRONOMICAL_UNIT = 149_597_870_700.0
"""In m; IAU 2012 Resolution B2."""

_ARCSEC = {"deg": 3600.0, "arcsec": 1.0, "rad": 648_000 / pi}
_RADIANS_PER_ARCSEC = pi / 648_000
_J2000 = datetime(2000, 1, 1, 12, tzinfo=timezone.utc)


@dataclass(frozen=True)
class MapScale:
    """The size of a map's pixels, and where they are."""

    scan_arcsec: float  # between two scan positions
    slit_arcsec: float  # between two pixels along the slit
    # helioprojective longitude and latitude of the middle of the map, in arcsec
    centre: tuple[float, float]
    observer_distance: float  # of the observer from the centre of the Sun, in m

    @property
    def mm_per_arcsec(self) -> float:
        """Megametres in an arcsecond, at the distance of the Sun's centre.

        Across the line of sight: near the limb, more of the Sun's surface is in an arcsecond.
        """
        return self.observer_distance * _RADIANS_PER_ARCSEC / 1e6

    def as_record(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any] | None) -> MapScale | None:
        """Read what `as_record` gave; None if there is none."""
        if record is None:
            return None
        longitude, latitude = record["centre"]
        return cls(
            scan_arcsec=float(record["scan_arcsec"]),
            slit_arcsec=float(record["slit_arcsec"]),
            centre=(float(longitude), float(latitude)),
            observer_distance=float(record["observer_distance"]),
        )


def scale_of(headers: Sequence[Mapping[str, Any]], slit_bin: int = 1) -> MapScale | None:
    """The scale of a map.

    Parameters
    ----------
    headers : sequence of mapping
        A FITS header of each scan position, of Level 1 or of Level 2, with its NAXIS cards.
    slit_bin : int
        Pixels of the headers in a pixel of the map, along the slit.

    Returns
    -------
    MapScale or None
        None if the headers do not say where pixels are, or that all are at one place.
    """
    try:
        slit, raster = spatial_axes(headers[0])
        n_slit = int(headers[0][f"NAXIS{slit}"])
        ends = [place_of(headers[0], slit, raster, pixel) for pixel in (1, n_slit)]
        last = [place_of(headers[-1], slit, raster, pixel) for pixel in (1, n_slit)]
        slit_arcsec = _distance(*ends) / (n_slit - 1) * slit_bin if n_slit > 1 else 0.0
        scan_arcsec = _distance(ends[0], last[0]) / max(len(headers) - 1, 1)
        distance = observer_distance_of(headers[0])
    except (KeyError, TypeError, ValueError, Level1Error):
        return None
    corners = [*ends, *last]
    centre = tuple(sum(corner[axis] for corner in corners) / 4 for axis in (0, 1))
    known = (scan_arcsec, slit_arcsec, *centre, distance)
    if not all(map(isfinite, known)) or min(scan_arcsec, slit_arcsec, distance) <= 0:
        return None
    return MapScale(scan_arcsec, slit_arcsec, (centre[0], centre[1]), distance)


def spatial_axes(header: Mapping[str, Any]) -> tuple[int, int]:
    """The numbers of the axes along the slit, and of the scan, in a header of a scan position.

    Raises
    ------
    Level1Error
        If there are no two such axes, one of them along the slit.
    """
    spatial = [n for n in range(1, 5) if str(header.get(f"CTYPE{n}", "")).startswith("HPL")]
    along = [n for n in spatial if int(header[f"NAXIS{n}"]) > 1]
    if len(spatial) != 2 or len(along) != 1:
        raise Level1Error(
            "CTYPE1 to CTYPE3: expected two axes HPLN and HPLT, one of them along the slit"
        )
    (slit,) = along
    (raster,) = set(spatial) - {slit}
    return slit, raster


def place_of(header: Mapping[str, Any], slit: int, raster: int, pixel: int) -> tuple[float, float]:
    """Helioprojective longitude and latitude of a pixel along the slit, in arcsec.

    The projection is left out: over a map of a few arcminutes it changes 1e-6 of a distance.
    """
    offset = {
        slit: pixel - float(header[f"CRPIX{slit}"]),
        raster: 1 - float(header[f"CRPIX{raster}"]),
    }
    place = {}
    for axis in (slit, raster):
        turned = sum(_matrix(header, axis, other) * offset[other] for other in (slit, raster))
        arcsec = _ARCSEC[str(header[f"CUNIT{axis}"]).strip()]
        along = float(header[f"CRVAL{axis}"]) + float(header[f"CDELT{axis}"]) * turned
        place[str(header[f"CTYPE{axis}"])[:4]] = along * arcsec
    return place["HPLN"], place["HPLT"]


def _matrix(header: Mapping[str, Any], row: int, column: int) -> float:
    return float(header.get(f"PC{row}_{column}", 1.0 if row == column else 0.0))


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def observer_distance_of(header: Mapping[str, Any]) -> float:
    """DSUN_OBS or, where the header lacks it, the Earth's distance at that time."""
    given = header.get("DSUN_OBS")
    if isinstance(given, int | float) and given > 0:
        return float(given)
    text = str(header.get("DATE-AVG") or header["DATE-BEG"])
    time = datetime.fromisoformat(text.strip().removesuffix("Z")).replace(tzinfo=timezone.utc)
    return earth_distance(time)


def earth_distance(time: datetime) -> float:
    """The distance of the Earth from the Sun in m, right to 3 in 10,000.

    The low-precision formula of the *Astronomical Almanac*, section C.
    """
    days = (time - _J2000).total_seconds() / 86_400
    anomaly = radians(357.528 + 0.985_600_3 * days)
    return ASTRONOMICAL_UNIT * (1.000_14 - 0.016_71 * cos(anomaly) - 0.000_14 * cos(2 * anomaly))
