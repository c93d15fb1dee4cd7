"""Writer of light curves as FITS files of QLP's form: normalised flux, columns of their own.

Columns, units and headers are those of real files: of sectors 24 and 25 (ckm3/lightkurve-ext
e0e1f02, `tests/data/HLSP`), and of sectors 56 and 59 as QLP's own writer made them
(TeHanHunter/TWIRL 6717a17, `reports/stage1_lightcurves/gpu_production_samples`). As there, gaps
have no rows, the error is one number, the fraction of the zero of the times is called BJDREFR, and
what is not known of the star is -1; a place that is not known is left out. `SIMDATA` and `ORIGIN`
say that nothing of it was observed. The bytes depend on the light curve only: no dates of writing.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from astropy.io import fits

from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers.reader import BTJD_ZERO, QLP_NEW_COLUMNS
from cvzmpi.cvz.simulation.spoc_fits import span, write_file

_STAR = (
    *("CAMERA", "CCD", "RADESYS", "RA_OBJ", "DEC_OBJ", "RA_ORIG", "DEC_ORIG", "TESSMAG", "RADIUS"),
    *("LOGG", "MASS", "TEFF", "MH", "EQUINOX", "PMRA", "PMDEC", "TICVER", "CALIB"),
)
_PLACE = ("RADESYS", "RA_OBJ", "DEC_OBJ")  # in the header of the table as well
_PLACE_SINCE_56 = (*_PLACE, "RA_ORIG", "DEC_ORIG", "EQUINOX")
_AXES = ("RA", "DEC")
_UNKNOWN = dict.fromkeys(("RADIUS", "LOGG", "MASS", "TEFF", "MH"), -1.0)
_BTJD_MINUS_MJD = 2457000 - 2400000.5


def write_qlp_fits(path: Path, light_curve: LightCurve, *, overwrite: bool = False) -> None:
    """Write a light curve as a FITS file.

    Parameters
    ----------
    path : Path
        A file that does not exist yet or has this very content; its directory is created.
    light_curve : LightCurve
        Its flux and error are divided by the median flux; its cadences without a time have no row.
    overwrite : bool
        Replace an existing file of other content.

    Raises
    ------
    ConfigError
        If the file exists with other content, or cannot be written; or if no cadence has a time.
    """
    span(light_curve)  # there is one
    hdus = fits.HDUList([_primary(light_curve), _table(light_curve)])
    content = io.BytesIO()
    hdus.writeto(content)
    write_file(path, content.getvalue(), overwrite)


def _primary(light_curve: LightCurve) -> fits.PrimaryHDU:
    hdu = fits.PrimaryHDU()
    cards = {
        "NEXTEND": 1,
        "EXTNAME": "PRIMARY",
        "ORIGIN": "MIT/QLP form, by cvzmpi simulation",
        "SIMDATA": True,
        "TELESCOP": "TESS",
        "INSTRUME": "TESS Photometer",
        "FILTER": "TESS",
        "OBJECT": f"TIC {light_curve.tic}",
        "TICID": light_curve.tic,
        "SECTOR": light_curve.sector,
    }
    for key, value in (cards | _of_star(light_curve)).items():
        hdu.header[key] = value
    return hdu


def _of_star(light_curve: LightCurve) -> dict[str, str | int | float]:
    known: dict[str, str | int | float] = {"CAMERA": 1, "CCD": 1, "TICVER": 8}
    known |= {"RADESYS": "ICRS", "EQUINOX": 2000.0, "PMRA": 0.0, "PMDEC": 0.0, "CALIB": "TICA"}
    known |= _UNKNOWN | {key: value for key, value in light_curve.header.items() if key in _STAR}
    known["TEFF"] = float(known["TEFF"])
    if light_curve.sector >= QLP_NEW_COLUMNS:
        known |= {f"{axis}_ORIG": known[f"{axis}_OBJ"] for axis in _AXES if f"{axis}_OBJ" in known}
        known["TICVER"] = 8.2
    return {key: known[key] for key in _STAR if key in known}


def _table(light_curve: LightCurve) -> fits.BinTableHDU:
    rows = np.flatnonzero(np.isfinite(light_curve.time))
    time, n = light_curve.time[rows], len(rows)
    median = float(np.nanmedian(light_curve.flux))
    flux = light_curve.flux[rows] / median
    error = np.full(n, np.nanmedian(light_curve.flux_err) / median)
    new = light_curve.sector >= QLP_NEW_COLUMNS
    trend = "DET_FLUX" if new else "KSPSAP_FLUX"
    columns = [
        fits.Column("TIME", "D", "BJD-2457000, days", array=time),
        fits.Column("CADENCENO", "J", array=10_000 * light_curve.sector + rows),
        fits.Column("SAP_FLUX", "E", array=flux),
        fits.Column(trend, "E", array=flux),
        fits.Column(f"{trend}_ERR", "E", array=error),
        fits.Column("QUALITY", "J", array=light_curve.quality[rows]),
        fits.Column("ORBITID", "J", array=np.full(n, 2 * light_curve.sector + 7)),
        *(fits.Column(name, "E", "pixel", array=np.zeros(n)) for name in ("SAP_X", "SAP_Y")),
        *(fits.Column(name, "E", array=np.zeros(n)) for name in ("SAP_BKG", "SAP_BKG_ERR")),
        *(fits.Column(f"{trend}_{aperture}", "E", array=flux) for aperture in ("SML", "LAG")),
    ]
    if new:
        columns.append(fits.Column("SYS_RM_FLUX", "E", array=flux))
    hdu = fits.BinTableHDU.from_columns(columns, name="LIGHTCURVE")
    for key, value in _cards_of_table(light_curve, time).items():
        hdu.header[key] = value
    return hdu


def _cards_of_table(light_curve: LightCurve, time: np.ndarray) -> dict[str, str | int | float]:
    star, new = _of_star(light_curve), light_curve.sector >= QLP_NEW_COLUMNS
    start, stop = float(time[0]), float(time[-1])
    cards: dict[str, str | int | float] = {
        "INHERIT": "T",
        "EXTVER": 1,
        "TELESCOP": "TESS",
        "INSTRUME": "TESS Photometer",
        "OBJECT": f"TIC {light_curve.tic}",
        "TICID": light_curve.tic,
    }
    cards |= {key: star[key] for key in (_PLACE_SINCE_56 if new else _PLACE) if key in star}
    cards |= {
        "TIMEREF": "SOLARSYSTEM",
        "TASSIGN": "SPACECRAFT",
        "TIMESYS": "TDB",
        "BJDREFI": BTJD_ZERO,
        "BJDREFR": 0.0,
        "TIMEUNIT": "d",
        "TELAPS": stop - start,
        "TSTART": start,
        "TSTOP": stop,
        "TIMEDEL": light_curve.exposure,
        "MJD-BEG": start + _BTJD_MINUS_MJD,
        "MJD-END": stop + _BTJD_MINUS_MJD,
        "BESTAP": "3.0:4.0:3.0",
        "SMALLAP": "2.5:4.0:3.0",
        "LARGEAP": "3.5:5.0:4.0",
    }
    if new:
        cards["DETMET"] = "none"
    return cards | {"KSPPENCO": 0.75, "KSPBSMIN": 0.3, "KSPBSMAX": 1.5}
