"""A searched light curve as lightkurve's own object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astropy.time import Time
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.light_curves.light_curve import CATALOGUE, FLUX_UNIT, PRODUCT
from cvzmpi.cvz.light_curves.readers.dilution import PDCSAP
from cvzmpi.extras import needs

if TYPE_CHECKING:
    from lightkurve import TessLightCurve


_OF_KEPLER = {"KIC": ("Kepler", "QUARTER"), "EPIC": ("K2", "CAMPAIGN")}
"""What lightkurve calls mission, and quarter or campaign, by catalogue."""


def tess_light_curve(series: TimeSeries) -> TessLightCurve:
    """The light curve in BTJD, with the columns and the facts of `SectorFile.time_series`.

    Raises
    ------
    MissingPackageError
        If there is no lightkurve.
    """
    with needs(what="SectorFile.light_curve"):
        import lightkurve

    facts = series.meta
    catalogue = facts.get(CATALOGUE, "TIC")
    columns = {name: series[name] for name in series.colnames if name != "time"}
    known: dict[str, object] = {
        "LABEL": f"{catalogue} {facts['tic']}",
        "TARGETID": facts["tic"],
        "RA": facts.get("RA_OBJ"),
        "DEC": facts.get("DEC_OBJ"),
    }
    if catalogue == "TIC":
        known |= {"MISSION": "TESS", "TICID": facts["tic"], "SECTOR": facts["sector"]}
    else:
        mission, part = _OF_KEPLER[catalogue]
        known |= {"MISSION": mission, part: facts["sector"]}
    # of the archive, and not of somebody's own making
    if facts.get("FLUX_ORIGIN") == PDCSAP and not {FLUX_UNIT, PRODUCT} & set(facts):
        known["AUTHOR"] = "SPOC"
    header = {name: value for name, value in facts.items() if name not in ("tic", "sector")}
    # lightkurve brings the format `btjd` of times.
    return lightkurve.TessLightCurve(
        time=Time(series.time, format="btjd"), data=columns, meta=header | known
    )
