"""`cvzmpi.read`: a sector file as the objects that astronomers work with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.results.products.measured_flares import COLUMNS
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.sector_file.layout import TABLES

if TYPE_CHECKING:
    from lightkurve import TessLightCurve

_UNITS = {"e-/s": u.electron / u.s, "s": u.s, "relative to median flux": u.dimensionless_unscaled}
_BTJD = 2457000.0


class SectorFile(SearchedFile):
    """The content of a sector file, also as objects of astropy; attributes as `SearchedFile`."""

    def __repr__(self) -> str:
        """One line."""
        state = "done" if self.done else f"checkpoint {self.checkpoint}"
        done = f"{self.n_inject - self.n_inject_remaining} of {self.n_inject} flares injected"
        return f"<TIC {self.tic}, sector {self.sector}: {state}, {done}>"

    @property
    def exposure(self) -> u.Quantity:
        """Time from one cadence to the next."""
        return (self.data.light_curve.exposure * u.d).to(u.s)

    @cached_property
    def time_series(self) -> TimeSeries:
        """The light curve with all that was computed of it: the rows that have a time.

        `row` is the row of the FITS file, to which the flares refer. `gp_mu` and `gp_sigma` are
        there from checkpoint `model` on.
        """
        lc = self.data.tables()["lc"]
        rows = np.flatnonzero(np.isfinite(lc["time"]))
        time = _time(lc.pop("time")[rows])
        columns = {name: _column(lc[name][rows], TABLES["lc"][name].unit) for name in lc}
        series = TimeSeries(time=time, data=columns | {"row": rows})
        series.meta.update(tic=self.tic, sector=self.sector, **self.header)
        return series

    def light_curve(self) -> TessLightCurve:
        """The same as a lightkurve `TessLightCurve`, in BTJD, with its methods and its `meta`.

        It has every row with a time, whatever its quality; `quality` says which ones lightkurve
        would have left out.
        """
        import lightkurve

        series = self.time_series
        time = Time(series.time, format="btjd")  # lightkurve brings this format of time
        columns = {name: series[name] for name in series.colnames if name != "time"}
        facts: dict[str, object] = {
            "MISSION": "TESS",
            "AUTHOR": "SPOC",
            "FLUX_ORIGIN": "pdcsap_flux",
        }
        facts |= {"LABEL": f"TIC {self.tic}", "TARGETID": self.tic, "TICID": self.tic}
        place = {name: self.header.get(f"{name}_OBJ") for name in ("RA", "DEC")}
        meta = {**self.header, **facts, **place, "SECTOR": self.sector}
        return lightkurve.TessLightCurve(time=time, data=columns, meta=meta)

    @cached_property
    def flares(self) -> QTable:
        """The flares that were found, as all products have them; empty before checkpoint `model`.

        `measured_flares` says what is in its columns.
        """
        table = QTable(meta={"tic": self.tic, "sector": self.sector})
        for name, values in self.measured_flares.items():
            column = COLUMNS[name]
            is_time = name.endswith("_time")
            in_units = values * u.Unit(column.unit) if column.unit else values
            table[name] = _time(values) if is_time else in_units
            table[name].info.description = column.description
        return table

    @cached_property
    def injections(self) -> QTable:
        """The injected flares that are done, one row each.

        `row`, `time`, `recovered` and `counted` have one entry for each place at which the flare
        was tried. Those that are not `counted` say nothing about the search chosen.
        """
        table = QTable(meta={"tic": self.tic, "sector": self.sector})
        injections, recovery = self.data.injections, self.recovery
        if injections is None or recovery is None:
            return table
        done = slice(recovery.n_done)
        table["flare_id"] = np.arange(recovery.n_done)
        table["amplitude"] = recovery.amplitude * u.dimensionless_unscaled
        table["fwhm"] = recovery.fwhm * u.d
        table["equivalent_duration"] = recovery.equivalent_duration * u.s
        table["row"] = injections.cadence[done]
        table["time"] = _time(injections.time[done])
        table["recovered"] = recovery.recovered
        table["counted"] = recovery.counted
        return table


def _time(btjd: np.ndarray) -> Time:
    """BTJD as astropy's `Time`; in two parts, so that no digit is lost."""
    return Time(np.full(np.shape(btjd), _BTJD), btjd, format="jd", scale="tdb")


def _column(values: np.ndarray, unit: str) -> np.ndarray | u.Quantity | Time:
    """Values of a sector file with their unit there."""
    if unit == "BTJD d":
        return _time(values)
    return values * _UNITS[unit] if unit in _UNITS else values
