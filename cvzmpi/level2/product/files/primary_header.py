"""The primary header of a Level 2 FITS file: what was observed, when, by whom, and the inversion.

The keywords and their sections are those of DKIST's own Level 2 files (`NSO.Image.Headers` and
`NSO.Image.Primary` of https://github.com/DKISTDC/level2, version 0.3.1; `test_L2_inversion.asdf` of
the `dkist` package). Most are copied from the Level 1 header of Stokes I at the same scan position,
where DKIST's header specification SPEC-0214 defines them. What is special to Level 2:

DSETID
    The inversion.
FILE_ID
    A UUID, the same whenever the file is written again.
FRAMEVOL
    The size of this file, in megabytes.
LEVEL, PROCTYPE
    2 and L2.
TIMESYS, SOLARNET
    UTC and 1.0 also where older Level 1 headers lack them or have an integer.
HEADVERS, HEAD_URL, INFO_URL
    The version of DKIST's Level 2 headers that these follow, and its documentation.
NPROPOS, PROPIDnn, NEXPERS, EXPRIDnn
    The proposals and experiments that contributed, as Level 1 lists them.
INVMODEL, INVVERS
    The model atmosphere, and the version of the inversion code; not in DKIST's own files.
DISAMBIG, DISAMREF
    The method that resolved the 180-degree ambiguity of the azimuth, `none` if it could not, and
    its references; only where it was asked for.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from astropy.io import fits

from cvzmpi.level2.product.files.file_names import file_id, fits_name
from cvzmpi.level2.product.files.header_values import value_of

HEADER_VERSION = "L2.0.3.1"
HEADER_URL = f"https://docs.dkist.nso.edu/projects/data-products/en/{HEADER_VERSION}"
INFO_URL = "https://docs.dkist.nso.edu"

_OBSERVATION = (
    *("ORIGIN", "TELESCOP", "OBSRVTRY", "NETWORK", "INSTRUME", "OBJECT"),
    *("TELAPSE", "DATE-BEG", "DATE-END", "DATE-AVG", "TIMESYS", "SOLARNET"),
)
_TELESCOPE = (
    *("TAZIMUTH", "ELEV_ANG", "TELTRACK", "TELSCAN", "TTBLTRCK", "TTBLANGL", "DATEREF", "ROTCOMP"),
    *("OBS_VR", "SPECSYS", "VELOSYS", "OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z"),
)
_DATA_CENTER = (
    *("DSETID", "FILE_ID", "FRAMEVOL", "PROCTYPE", "FILENAME", "LEVEL"),
    *("HEADVERS", "HEAD_URL", "INFO_URL", "DKISTVER", "OBSPR_ID", "EXPER_ID", "PROP_ID"),
    *("DSP_ID", "IP_ID", "HLSVERS"),
)
_OPERATIONS = ("OCS_CTRL", "FIDO_CFG", "DSHEALTH", "LIGHTLVL")
_ADAPTIVE_OPTICS = ("ATMOS_R0", "AO_LOCK")

FURTHER = ("DISAMBIG", "DISAMREF")
"""Keywords about the inversion that not every product has."""

_CONTRIBUTIONS = (("NPROPOS", "PROPID", "PROP_ID"), ("NEXPERS", "EXPRID", "EXPER_ID"))
_COMMENTS = {
    "TELAPSE": "[s]",
    "TAZIMUTH": "[deg] raw telescope azimuth angle",
    "ELEV_ANG": "[deg] raw telescope elevation angle",
    "TTBLANGL": "[deg] telescope coude table angle",
    "OBS_VR": "[m/s] outward velocity of the observer",
    "OBSGEO-X": "[m]",
    "OBSGEO-Y": "[m]",
    "OBSGEO-Z": "[m]",
    "FRAMEVOL": "[Mbyte] size of this file",
    "ATMOS_R0": "[m] Fried's parameter",
    "AO_LOCK": "lock status of the adaptive optics",
    "INVMODEL": "model atmosphere of the inversion",
    "INVVERS": "version of the inversion code",
    "DISAMBIG": "the azimuth's 180-degree ambiguity",
    "DISAMREF": "",
}
_WIDTH = 70  # characters of a line of a comment


@dataclass(frozen=True)
class About:
    """What all FITS files of a product have in common."""

    inversion_id: str
    created: datetime  # in UTC
    model: str
    version: str | None  # of the inversion code
    notes: Sequence[str]  # one paragraph of comments each
    cards: Mapping[str, str] = field(default_factory=dict)  # of `FURTHER`


def build(about: About, level1: Mapping[str, Any]) -> fits.Header:
    """The header; FRAMEVOL is 0 until the size of the file is known.

    Parameters
    ----------
    level1 : mapping
        The header of Stokes I at the scan position.
    """
    name = fits_name(about.inversion_id, level1)
    values: dict[str, Any] = {
        "DSETID": about.inversion_id,
        "FILE_ID": file_id(about.inversion_id, name),
        "FRAMEVOL": 0.0,
        "PROCTYPE": "L2",
        "FILENAME": name,
        "LEVEL": 2,
        "HEADVERS": HEADER_VERSION,
        "HEAD_URL": HEADER_URL,
        "INFO_URL": INFO_URL,
        **_contributions(level1),
        "TIMESYS": value_of(level1, "TIMESYS") or "UTC",
        "SOLARNET": float(value_of(level1, "SOLARNET") or 1),
        "INVMODEL": about.model,
        "INVVERS": about.version,
        **{key: about.cards.get(key) for key in FURTHER},
    }
    header = fits.Header()
    header.append(("DATE", iso(about.created), "when this file was made"), end=True)
    for title, keys in (
        ("Observation", _OBSERVATION),
        ("Telescope", _TELESCOPE),
        ("Data Center", (*_DATA_CENTER, *_contributions(level1))),
        ("DKIST Operations", _OPERATIONS),
        ("Adaptive Optics", _ADAPTIVE_OPTICS),
        ("Inversion", ("INVMODEL", "INVVERS", *FURTHER)),
    ):
        add_section(header, title)
        for key in keys:
            value = values[key] if key in values else value_of(level1, key)
            if value is not None:
                header.append((key, value, _COMMENTS.get(key, "")), end=True)
    for note in about.notes:
        for line in textwrap.wrap(note, _WIDTH):
            header.append(("COMMENT", line), end=True)
    return header


def add_section(header: fits.Header, title: str) -> None:
    """Begin a section of a header, with its title."""
    header.append(("", ""), end=True)
    header.append(("COMMENT", f" {title} ".center(_WIDTH, "-")), end=True)


def iso(time: datetime) -> str:
    """A time as FITS has it, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S")


def _contributions(level1: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of proposals and experiments, and their ids."""
    values: dict[str, Any] = {}
    for number, prefix, alone in _CONTRIBUTIONS:
        listed = {
            key: value_of(level1, key)
            for key in sorted(level1)
            if key.startswith(prefix) and key.removeprefix(prefix).isdigit()
        }
        listed = {key: value for key, value in listed.items() if value is not None}
        if not listed and value_of(level1, alone) is not None:
            listed = {f"{prefix}01": value_of(level1, alone)}
        values |= {number: value_of(level1, number) or len(listed), **listed}
    return values
