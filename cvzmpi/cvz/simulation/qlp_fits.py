"""Writer of light curves as FITS files of QLP's form: normalised flux, columns of their own.

Columns and headers are those of its data product description
(https://archive.stsci.edu/hlsps/qlp/hlsp_qlp_tess_ffi_all_tess_v1_data-prod-desc.pdf), as the
reader of lightkurve has it. `SIMDATA` and `ORIGIN` say that nothing of it was observed. The bytes
depend on the light curve only: no dates of writing.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from astropy.io import fits

from cvzmpi.cvz.light_curves.light_curve import LightCurve
from cvzmpi.cvz.light_curves.readers.reader import BTJD_ZERO, QLP_NEW_COLUMNS
from cvzmpi.cvz.simulation.spoc_fits import write_file

_STAR = ("TESSMAG", "TEFF", "LOGG", "MH", "RADIUS", "RA_OBJ", "DEC_OBJ", "CAMERA", "CCD")
_TRENDS = ("KSPSAP_FLUX", "KSPSAP_FLUX_ERR", "KSPSAP_FLUX_SML", "KSPSAP_FLUX_LAG")
_NEW_TRENDS = ("SYS_RM_FLUX", "DET_FLUX", "DET_FLUX_ERR", "DET_FLUX_SML", "DET_FLUX_LAG")


def write_qlp_fits(path: Path, light_curve: LightCurve, *, overwrite: bool = False) -> None:
    """Write a light curve as a FITS file.

    Parameters
    ----------
    path : Path
        A file that does not exist yet or has this very content; its directory is created.
    light_curve : LightCurve
        Its flux and error are divided by the median flux.
    overwrite : bool
        Replace an existing file of other content.

    Raises
    ------
    ConfigError
        If the file exists with other content, or cannot be written.
    """
    hdus = fits.HDUList([_primary(light_curve), _table(light_curve)])
    content = io.BytesIO()
    hdus.writeto(content)
    write_file(path, content.getvalue(), overwrite)


def _primary(light_curve: LightCurve) -> fits.PrimaryHDU:
    hdu = fits.PrimaryHDU()
    cards = {
        "ORIGIN": "MIT/QLP form, by cvzmpi simulation",
        "SIMDATA": True,
        "TELESCOP": "TESS",
        "INSTRUME": "TESS Photometer",
        "OBJECT": f"TIC {light_curve.tic}",
        "TICID": light_curve.tic,
        "SECTOR": light_curve.sector,
        "RADESYS": "ICRS",
        "EQUINOX": 2000.0,
    }
    star = {key: light_curve.header[key] for key in _STAR if key in light_curve.header}
    hdu.header.update(cards | star)
    return hdu


def _table(light_curve: LightCurve) -> fits.BinTableHDU:
    n = light_curve.n_cadences
    median = float(np.nanmedian(light_curve.flux))
    flux, error = light_curve.flux / median, light_curve.flux_err / median
    trends = _TRENDS if light_curve.sector < QLP_NEW_COLUMNS else _NEW_TRENDS
    columns = {
        "TIME": ("D", light_curve.time),
        "CADENCENO": ("J", 10_000 * light_curve.sector + np.arange(n)),
        "SAP_FLUX": ("E", flux),
        **{name: ("E", error if name.endswith("_ERR") else flux) for name in trends},
        "QUALITY": ("J", light_curve.quality),
        "ORBITID": ("J", np.full(n, 2 * light_curve.sector + 7)),
        **{name: ("E", np.zeros(n)) for name in ("SAP_X", "SAP_Y", "SAP_BKG", "SAP_BKG_ERR")},
    }
    hdu = fits.BinTableHDU.from_columns(
        [fits.Column(name, form, array=array) for name, (form, array) in columns.items()],
        name="LIGHTCURVE",
    )
    hdu.header.update(
        {
            "TICID": light_curve.tic,
            "TIMESYS": "TDB",
            "TIMEUNIT": "d",
            "BJDREFI": BTJD_ZERO,
            "BJDREFF": 0.0,
            "TIMEDEL": light_curve.exposure,
        }
    )
    return hdu
