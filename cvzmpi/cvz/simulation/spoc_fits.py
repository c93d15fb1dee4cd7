"""Writer of light curves as FITS files of the SPOC pipeline's form (SDPDD, ARC-TESS-0006).

Headers, table columns, formats and units are those of the 2-minute light curves of the archive, so
that whatever reads these reads the simulated ones too. What a `LightCurve` does not hold
(background, centroids) is NaN. `SIMDATA` and `ORIGIN` say that nothing of it was observed. The
bytes depend on the light curve only: no dates of writing.
"""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.errors import ConfigError

DEAD_TIME_CORRECTION = 0.792  # 1.98 s of 2 s, and cosmic ray mitigation drops 2 of 10 exposures

BTJD_ZERO = datetime(2014, 12, 8, 12)
"""BJD 2457000 as a date; the minute between TDB and UTC does not matter here."""

_FLUX_UNIT, _PIXEL = "e-/s", "pixel"
_COLUMNS = (
    ("TIME", "D", "BJD - 2457000, days", "D14.7"),
    ("TIMECORR", "E", "d", "E14.7"),
    ("CADENCENO", "J", None, "I10"),
    ("SAP_FLUX", "E", _FLUX_UNIT, "E14.7"),
    ("SAP_FLUX_ERR", "E", _FLUX_UNIT, "E14.7"),
    ("SAP_BKG", "E", _FLUX_UNIT, "E14.7"),
    ("SAP_BKG_ERR", "E", _FLUX_UNIT, "E14.7"),
    ("PDCSAP_FLUX", "E", _FLUX_UNIT, "E14.7"),
    ("PDCSAP_FLUX_ERR", "E", _FLUX_UNIT, "E14.7"),
    ("QUALITY", "J", None, "B16.16"),
    ("PSF_CENTR1", "D", _PIXEL, "F10.5"),
    ("PSF_CENTR1_ERR", "E", _PIXEL, "E14.7"),
    ("PSF_CENTR2", "D", _PIXEL, "F10.5"),
    ("PSF_CENTR2_ERR", "E", _PIXEL, "E14.7"),
    ("MOM_CENTR1", "D", _PIXEL, "F10.5"),
    ("MOM_CENTR1_ERR", "E", _PIXEL, "E14.7"),
    ("MOM_CENTR2", "D", _PIXEL, "F10.5"),
    ("MOM_CENTR2_ERR", "E", _PIXEL, "E14.7"),
    ("POS_CORR1", "E", "pixels", "E14.7"),
    ("POS_CORR2", "E", "pixels", "E14.7"),
)

_STAR_CARDS = {
    "RA_OBJ": "[deg] right ascension",
    "DEC_OBJ": "[deg] declination",
    "TESSMAG": "[mag] TESS magnitude",
    "TEFF": "[K] Effective temperature",
    "LOGG": "[cm/s2] log10 surface gravity",
    "MH": "[log10([M/H])] metallicity",
    "RADIUS": "[solar radii] stellar radius",
}


def file_name(light_curve: LightCurve) -> str:
    """Name of a light curve in the archive's manner: start date, sector, TIC number."""
    date = _date(span(light_curve)[0]).strftime("%Y%j%H%M%S")
    return f"tess{date}-s{light_curve.sector:04d}-{light_curve.tic:016d}-0000-s_lc.fits"


def write_spoc_fits(path: Path, light_curve: LightCurve, *, overwrite: bool = False) -> None:
    """Write a light curve as a FITS file.

    Parameters
    ----------
    path : Path
        A file that does not exist yet or has this very content; its directory is created.
    light_curve : LightCurve
        Its `header` gives the star's cards by FITS keyword; missing ones are left blank.
    overwrite : bool
        Replace an existing file of other content.

    Raises
    ------
    ConfigError
        If the file has other content and `overwrite` is not set, or it cannot be written; or if no
        cadence has a time.
    """
    hdus = fits.HDUList([_primary(light_curve), _table(light_curve), _aperture(light_curve)])
    for hdu in hdus:
        hdu.add_checksum(when="of a simulation")
    content = io.BytesIO()
    hdus.writeto(content)
    write_file(path, content.getvalue(), overwrite)


def write_file(path: Path, content: bytes, overwrite: bool = False) -> None:
    """Write a file as a whole, or leave the one with the same content.

    Raises
    ------
    ConfigError
        As for `write_spoc_fits`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == content:
            return
        if path.exists() and not overwrite:
            raise ConfigError(f"{path}: exists with other content; it is not overwritten unasked")
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error}") from None


def span(light_curve: LightCurve) -> tuple[float, float]:
    """Begin and end of the observation in BTJD.

    Raises
    ------
    ConfigError
        If no cadence has a time.
    """
    time = light_curve.time[np.isfinite(light_curve.time)]
    if not len(time):
        raise ConfigError(f"{light_curve.id}: no cadence has time")
    return time[0] - light_curve.exposure / 2, time[-1] + light_curve.exposure / 2


def _date(btjd: float) -> datetime:
    return BTJD_ZERO + timedelta(days=btjd)


def _iso(btjd: float) -> str:
    return _date(btjd).isoformat(timespec="milliseconds") + "Z"


def _set(header: fits.Header, cards: list[tuple[str, Any, str]]) -> None:
    for keyword, value, comment in cards:
        header[keyword] = (value, comment)


def _identity(light_curve: LightCurve) -> list[tuple[str, Any, str]]:
    """Cards that every extension has."""
    return [
        ("SIMDATA", True, "file is based on simulated data"),
        ("TELESCOP", "TESS", "telescope"),
        ("INSTRUME", "TESS Photometer", "detector type"),
        ("OBJECT", f"TIC {light_curve.tic}", "string version of target id"),
        ("TICID", light_curve.tic, "unique tess target identifier"),
        ("RADESYS", "ICRS", "reference frame of celestial coordinates"),
        ("EQUINOX", 2000.0, "equinox of celestial coordinate system"),
    ]


def _star(light_curve: LightCurve, *keywords: str) -> list[tuple[str, Any, str]]:
    return [(k, light_curve.header.get(k), _STAR_CARDS[k]) for k in keywords]


def _primary(light_curve: LightCurve) -> fits.PrimaryHDU:
    begin, end = span(light_curve)
    facts = light_curve.header
    hdu = fits.PrimaryHDU()
    _set(
        hdu.header,
        [
            ("NEXTEND", 2, "number of standard extensions"),
            ("EXTNAME", "PRIMARY", "name of extension"),
            ("EXTVER", 1, "extension version number (not format version)"),
            ("ORIGIN", "cvzmpi simulation", "not an observation"),
            ("DATE", _date(end).date().isoformat(), "end of the simulated observation"),
            ("TSTART", begin, "observation start time in BTJD"),
            ("TSTOP", end, "observation stop time in BTJD"),
            ("DATE-OBS", _iso(begin), "TSTART as UTC calendar date"),
            ("DATE-END", _iso(end), "TSTOP as UTC calendar date"),
            # readers recognise a light curve by this name
            ("CREATOR", "cvzmpi LightCurveExporterPipelineModule", "program"),
            ("PROCVER", facts.get("PROCVER", "cvzmpi-simulation"), "SW version"),
            ("FILEVER", "1.0", "file format version"),
            ("TIMVERSN", "OGIP/93-003", "OGIP memo number for file format"),
            ("MISSION", "TESS", "mission"),
            ("DATA_REL", 0, "data release version number"),
            ("SECTOR", light_curve.sector, "Observing sector"),
            ("CAMERA", facts.get("CAMERA"), "Camera number"),
            ("CCD", facts.get("CCD"), "CCD chip number"),
            *_identity(light_curve),
            *_star(light_curve, *_STAR_CARDS),
            ("TICVER", None, "not a star of the TIC"),
        ],
    )
    return hdu


def _table(light_curve: LightCurve) -> fits.BinTableHDU:
    n = light_curve.n_cadences
    first_cadence = 100_000 + 20_000 * light_curve.sector  # of the mission, roughly
    flux, error = light_curve.flux, light_curve.flux_err
    known = {
        "TIME": light_curve.time,
        "TIMECORR": np.zeros(n),
        "CADENCENO": first_cadence + np.arange(n),
        # no contamination, no losses: aperture flux and corrected flux are the same
        "SAP_FLUX": flux,
        "SAP_FLUX_ERR": error,
        "PDCSAP_FLUX": flux,
        "PDCSAP_FLUX_ERR": error,
        "QUALITY": light_curve.quality,
    }
    nothing = np.full(n, np.nan)
    columns = [
        fits.Column(name, form, unit, disp=display, array=known.get(name, nothing))
        for name, form, unit, display in _COLUMNS
    ]
    hdu = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    _set(hdu.header, _identity(light_curve) + _star(light_curve, "RA_OBJ", "DEC_OBJ"))
    _set(hdu.header, _timing(light_curve))
    return hdu


def _timing(light_curve: LightCurve) -> list[tuple[str, Any, str]]:
    """Cards of the table that say how times and exposures are to be understood."""
    begin, end = span(light_curve)
    live = (end - begin) * DEAD_TIME_CORRECTION
    return [
        ("INHERIT", True, "inherit the primary header"),
        ("EXTVER", 1, "extension version number (not format version)"),
        ("EXPOSURE", live, "[d] time on source"),
        ("TIMEREF", "SOLARSYSTEM", "barycentric correction applied to times"),
        ("TASSIGN", "SPACECRAFT", "where time is assigned"),
        ("TIMESYS", "TDB", "time system is Barycentric Dynamical Time (TDB)"),
        ("BJDREFI", 2457000, "integer part of BTJD reference date"),
        ("BJDREFF", 0.0, "fraction of the day in BTJD reference date"),
        ("TIMEUNIT", "d", "time unit for TIME, TSTART and TSTOP"),
        ("TELAPSE", end - begin, "[d] TSTOP - TSTART"),
        ("LIVETIME", live, "[d] TELAPSE multiplied by DEADC"),
        ("TSTART", begin, "observation start time in BTJD"),
        ("TSTOP", end, "observation stop time in BTJD"),
        ("DATE-OBS", _iso(begin), "TSTART as UTC calendar date"),
        ("DATE-END", _iso(end), "TSTOP as UTC calendar date"),
        ("DEADC", DEAD_TIME_CORRECTION, "deadtime correction"),
        ("TIMEPIXR", 0.5, "bin time beginning=0 middle=0.5 end=1"),
        ("TIERRELA", 1.16e-05, "[d] relative time error"),
        ("INT_TIME", 1.98, "[s] photon accumulation time per frame"),
        ("READTIME", 0.02, "[s] readout time per frame"),
        ("FRAMETIM", 2.0, "[s] frame time (INT_TIME + READTIME)"),
        ("NUM_FRM", round(light_curve.exposure_seconds / 2), "frames per time stamp"),
        ("TIMEDEL", light_curve.exposure, "[d] time resolution of data"),
        ("BACKAPP", True, "background is subtracted"),
        ("DEADAPP", True, "deadtime applied"),
        ("VIGNAPP", True, "vignetting or collimator correction applied"),
        ("CROWDSAP", 1.0, "Ratio of target flux to total flux in op. ap."),
        ("FLFRCSAP", 1.0, "Frac. of target flux w/in the op. aperture"),
    ]


def _aperture(light_curve: LightCurve) -> fits.ImageHDU:
    """Say which pixels were summed: 3 x 3 in the middle (bits: 1 collected, 2 optimal, 8 PRF)."""
    pixels = np.ones((11, 11), np.int32)
    pixels[4:7, 4:7] |= 2 | 8
    hdu = fits.ImageHDU(pixels, name="APERTURE")
    _set(hdu.header, _identity(light_curve) + _star(light_curve, "RA_OBJ", "DEC_OBJ"))
    hdu.header["NPIXSAP"] = (9, "Number of pixels in optimal aperture")
    return hdu
