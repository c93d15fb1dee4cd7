"""Small FITS files with the headers and the columns of the archive's kinds, by their descriptions.

Of Kepler and K2: the headers of real files (release 25, file version 6.1). Of TESS-SPOC and SPOC:
the TESS Science Data Products Description Document, EXP-TESS-ARC-ICD-0014. Of QLP: real
files, see `qlp_layout`.
"""

import numpy as np
from astropy.io import fits

from tests.cvz.light_curves.readers import qlp_layout

N = 600
_OF_FITS = ("SIMPLE", "BITPIX", "NAXIS", "EXTEND")  # keywords that astropy writes
FRAME = 6.53875 / 86400  # of Kepler, days
LONG, SHORT = 270 * FRAME, 9 * FRAME


def _table(columns, start, step, bits, flux=1000.0, **cards):
    """The table of a light curve with a column of each name, and a row for each of the bits."""
    rng = np.random.default_rng(1)
    n = len(bits)
    time = start + step * np.arange(n)
    values = {
        "D": time,
        "E": rng.normal(flux, 1e-3 * flux, n),
        "J": bits,
    }
    numbers = {name: np.full(n, 1e-3 * flux) for name, _ in columns if "ERR" in name}
    numbers["CADENCENO"] = np.arange(n)
    made = [
        fits.Column(name, kind, array=numbers.get(name, values[kind])) for name, kind in columns
    ]
    table = fits.BinTableHDU.from_columns(made, name="LIGHTCURVE")
    table.header.update({"TIMESYS": "TDB", "TIMEUNIT": "d"} | cards)
    return table


def bits(*at):
    """Quality bits, counted from 0: one cadence for each, the first at row 10."""
    quality = np.zeros(N, np.int32)
    for place, bit in enumerate(at):
        quality[10 + place] = np.int32(1) << bit
    return quality


def _written(path, primary, table):
    hdu = fits.PrimaryHDU()
    hdu.header.update(primary)
    fits.HDUList([hdu, table]).writeto(path, overwrite=True)
    return path


def spoc(path, seconds, quality=None, **cards):
    """SPOC's light curves, and those of full-frame images."""
    columns = [("TIME", "D"), ("PDCSAP_FLUX", "E"), ("PDCSAP_FLUX_ERR", "E"), ("QUALITY", "J")]
    primary = {
        "TELESCOP": "TESS",
        "ORIGIN": "NASA/Ames",
        "OBJECT": "TIC 261136679",
        "TICID": 261136679,
        "SECTOR": 27,
        "TESSMAG": 12.94,
    }
    quality = bits() if quality is None else quality
    table = _table(
        columns,
        *(2036.3, seconds / 86400, quality),
        **{"BJDREFI": 2457000, "BJDREFF": 0.0, "TIMEDEL": seconds / 86400}
        | {"CROWDSAP": 0.87, "FLFRCSAP": 0.91}
        | cards,
    )
    return _written(path, primary, table)


def qlp(path, sector, seconds, quality=None, **cards):
    """QLP's light curves, as real ones are: other columns and keywords from sector 56 on."""
    new = sector >= 56
    columns = qlp_layout.COLUMNS_SINCE_56 if new else qlp_layout.COLUMNS
    of_primary = qlp_layout.PRIMARY_SINCE_56 if new else qlp_layout.PRIMARY
    of_table = qlp_layout.TABLE_SINCE_56 if new else qlp_layout.TABLE
    quality = bits() if quality is None else quality
    any_value = {str: "", int: 1, float: -1.0}
    primary = {key: any_value[kind] for key, kind in of_primary.items() if key not in _OF_FITS} | {
        "EXTNAME": "PRIMARY",
        "TELESCOP": "TESS",
        "ORIGIN": "MIT/QLP",
        "OBJECT": "TIC 277554109",
        "TICID": 277554109,
        "SECTOR": sector,
        "RADESYS": "ICRS",
        "RA_OBJ": 80.5,
        "DEC_OBJ": -64.2,
        "TESSMAG": 9.3,
        "TICVER": 8.2 if new else 8,
    }
    table = _table([column[:2] for column in columns], 1600.0, seconds / 86400, quality, 1.0)
    for name, _, unit in columns:
        table.columns[name].unit = unit
    known = {"EXTNAME": "LIGHTCURVE", "TIMESYS": "TDB", "TIMEUNIT": "d", "INHERIT": "T"}
    known |= {"BJDREFI": 2457000, "BJDREFR": 0.0, "TIMEDEL": seconds / 86400} | cards
    table.header.update({key: any_value[kind] for key, kind in of_table.items()} | known)
    return _written(path, primary, table)


def kepler(path, exposure=LONG, quality=None, mission="Kepler", primary=(), **cards):
    """Light curves of Kepler, quarter 2, and of K2, campaign 4."""
    columns = [("TIME", "D"), ("PDCSAP_FLUX", "E"), ("PDCSAP_FLUX_ERR", "E"), ("SAP_QUALITY", "J")]
    which = {"QUARTER": 2} if mission == "Kepler" else {"CAMPAIGN": 4}
    catalogue = "KIC" if mission == "Kepler" else "EPIC"
    number = 10002792 if mission == "Kepler" else 211117077
    header = {"TELESCOP": "Kepler", "MISSION": mission, "ORIGIN": "NASA/Ames"}
    header |= {"OBJECT": f"{catalogue} {number}", "KEPLERID": number} | which
    header |= {"KEPMAG": 13.005, "TEFF": 4524, "RADIUS": 0.651, "FILEVER": "6.1"} | dict(primary)
    quality = bits() if quality is None else quality
    table = _table(
        columns,
        *(169.5, exposure, quality, 5000.0),
        **{"BJDREFI": 2454833, "BJDREFF": 0.0, "TIMEDEL": exposure},
        **{"CROWDSAP": 0.8321, "FLFRCSAP": 0.8514} | cards,
    )
    return _written(path, header, table)


def lightkurve(path, seconds, quality=None):
    """What lightkurve's `to_fits` writes of a TESS light curve, without exposure and zero."""
    columns = [("TIME", "D"), ("FLUX", "E"), ("FLUX_ERR", "E"), ("QUALITY", "J")]
    primary = {"TELESCOP": "TESS", "CREATOR": "lightkurve.LightCurve.to_fits()"}
    primary |= {"TARGETID": 5, "SECTOR": 3}
    quality = bits() if quality is None else quality
    table = _table(columns, 1400.0, seconds / 86400, quality, 1.0)
    table.columns["TIME"].unit = "btjd"
    return _written(path, primary, table)
