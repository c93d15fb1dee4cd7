"""What real files of QLP are made of: names, formats and units of columns, types of keywords.

Read from four files, which are not part of the project:

- sectors 24 and 25 of TIC 188589164, as MAST names them (`hlsp_qlp_tess_ffi_s0024-...`), in the
  repository ckm3/lightkurve-ext, commit e0e1f0282c9225ea65ae3a4499d44cd4898763e8 (MIT), folder
  `tests/data/HLSP`; the data are MAST's (QLP, doi 10.17909/t9-r086-e880, CC BY 4.0);
- sectors 56 and 59 of TIC 267574918, made by QLP's own writer of TGLC photometry of the author's,
  in TeHanHunter/TWIRL, commit 6717a17e3afb0edab45d80634c85dfe32468fab6 (MIT), folder
  `reports/stage1_lightcurves/gpu_production_samples`. Columns and their order are those that
  lightkurve's issue 1389 prints for a file of MAST of sector 56.
"""

_BEGIN = [
    ("TIME", "D", "BJD-2457000, days"),
    ("CADENCENO", "J", None),
    ("SAP_FLUX", "E", None),
]
_MIDDLE = [
    ("QUALITY", "J", None),
    ("ORBITID", "J", None),
    ("SAP_X", "E", "pixel"),
    ("SAP_Y", "E", "pixel"),
    ("SAP_BKG", "E", None),
    ("SAP_BKG_ERR", "E", None),
]

COLUMNS = [
    *_BEGIN,
    *(("KSPSAP_FLUX", "E", None), ("KSPSAP_FLUX_ERR", "E", None)),
    *_MIDDLE,
    *(("KSPSAP_FLUX_SML", "E", None), ("KSPSAP_FLUX_LAG", "E", None)),
]
"""Of sectors 24 and 25: in order, with format and unit."""

COLUMNS_SINCE_56 = [
    *_BEGIN,
    *(("DET_FLUX", "E", None), ("DET_FLUX_ERR", "E", None)),
    *_MIDDLE,
    *(("DET_FLUX_SML", "E", None), ("DET_FLUX_LAG", "E", None), ("SYS_RM_FLUX", "E", None)),
]
"""Of sectors 56 and 59."""

PRIMARY = {
    "SIMPLE": bool,
    "BITPIX": int,
    "NAXIS": int,
    "EXTEND": bool,
    "NEXTEND": int,
    "EXTNAME": str,
    "ORIGIN": str,  # MIT/QLP
    "TELESCOP": str,
    "INSTRUME": str,
    "FILTER": str,
    "OBJECT": str,
    "TICID": int,
    "SECTOR": int,
    "CAMERA": int,
    "CCD": int,
    "RADESYS": str,
    "RA_OBJ": float,
    "DEC_OBJ": float,
    "TESSMAG": float,
    "RADIUS": float,
    "LOGG": float,
    "MASS": float,
    "TEFF": float,
    "MH": float,
    "EQUINOX": float,
    "PMRA": float,
    "PMDEC": float,
    "TICVER": int,
    "CALIB": str,
}
"""Keywords of the primary header of sectors 24 and 25, in order, with the type of the value."""

PRIMARY_SINCE_56 = PRIMARY | {"RA_ORIG": float, "DEC_ORIG": float, "TICVER": float}
"""The same of sectors 56 and 59, where -1.0 stands for what is not known of the star."""

TABLE = {
    "INHERIT": str,
    "EXTNAME": str,
    "EXTVER": int,
    "TELESCOP": str,
    "INSTRUME": str,
    "OBJECT": str,
    "TICID": int,
    "RADESYS": str,
    "RA_OBJ": float,
    "DEC_OBJ": float,
    "TIMEREF": str,
    "TASSIGN": str,
    "TIMESYS": str,
    "BJDREFI": int,
    "BJDREFR": float,
    "TIMEUNIT": str,
    "TELAPS": float,
    "TSTART": float,
    "TSTOP": float,
    "TIMEDEL": float,
    "MJD-BEG": float,
    "MJD-END": float,
    "BESTAP": str,
    "SMALLAP": str,
    "LARGEAP": str,
    "KSPPENCO": float,
    "KSPBSMIN": float,
    "KSPBSMAX": float,
}
"""Keywords of the header of the table of sectors 24 and 25, beside those that say its form."""

TABLE_SINCE_56 = TABLE | {"RA_ORIG": float, "DEC_ORIG": float, "EQUINOX": float, "DETMET": str}
"""The same of sectors 56 and 59. No file has EXPOSURE, INT_TIME, BJDREFF, CROWDSAP or FLFRCSAP."""

BITS = (2, 5, 11, 12)
"""Quality bits that are in use in sectors 24 and 25, counted from 0."""

BITS_SINCE_56 = (2, 5, 7, 29, 30)
"""The same in sectors 56 and 59."""
