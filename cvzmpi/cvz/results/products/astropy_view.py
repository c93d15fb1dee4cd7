"""`cvzmpi.read`: a sector file as the objects that astronomers work with."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.time import Time
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.detection.flares import COLUMNS as FLARE_COLUMNS
from cvzmpi.cvz.detection.flares import at_edge
from cvzmpi.cvz.quality.quality_marks import Mark, quality_marks
from cvzmpi.cvz.quality.searched_curve import SearchedCurve, SearchTime
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.sector_file.layout import TABLES
from cvzmpi.cvz.sector_file.open_file import no_flares
from cvzmpi.cvz.sector_file.reading import SectorContent
from cvzmpi.errors import SectorFileError

if TYPE_CHECKING:
    from lightkurve import LightCurve

_UNITS = {"e-/s": u.electron / u.s, "s": u.s, "relative to median flux": u.dimensionless_unscaled}
_BTJD = 2457000.0


class SectorFile(SectorContent):
    """The content of a sector file, also as objects of astropy; attributes as `SectorContent`."""

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

    def light_curve(self) -> LightCurve:
        """The same as a lightkurve `LightCurve`."""
        import lightkurve

        series = self.time_series
        return lightkurve.LightCurve(
            series, meta={**series.meta, "LABEL": f"TIC {self.tic}", "TARGETID": self.tic}
        )

    @cached_property
    def flares(self) -> QTable:
        """The detected flares; empty before checkpoint `model`.

        `at_edge` says which touch the edge of what was evaluated: a part may be missing.
        """
        table = QTable(meta={"tic": self.tic, "sector": self.sector})
        flares = self.data.flares or no_flares()
        for name, (_, unit) in FLARE_COLUMNS.items():
            table[name] = _column(flares[name], unit)
        table["at_edge"] = at_edge(self.data.probability, flares["start"], flares["stop"])
        return table

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The quality marks: reasons not to believe what was found, as far as they are known."""
        return quality_marks(self.data, self.config)

    @cached_property
    def injections(self) -> QTable:
        """The injected flares that are done, one row each.

        `row`, `time` and `recovered` have one entry for each place at which the flare was tried.
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
        return table

    def completeness(self, size: str = "equivalent_duration") -> CompletenessCurve:
        """The completeness of the search as a function of `equivalent_duration` or `amplitude`.

        Raises
        ------
        SectorFileError
            If no injected flare is done.
        """
        if self.recovery is None or not self.recovery.n_done:
            raise SectorFileError(f"{self.path}: no flares were injected yet")
        return CompletenessCurve.fit(getattr(self.recovery, size), self.recovery.recovered)

    def search_time(self) -> SearchTime:
        """The time that the light curve was searched."""
        return SearchedCurve(self.data, self.config).time


def _time(btjd: np.ndarray) -> Time:
    """BTJD as astropy's `Time`; in two parts, so that no digit is lost."""
    return Time(np.full(np.shape(btjd), _BTJD), btjd, format="jd", scale="tdb")


def _column(values: np.ndarray, unit: str) -> np.ndarray | u.Quantity | Time:
    """Values of a sector file with their unit there."""
    if unit == "BTJD d":
        return _time(values)
    return values * _UNITS[unit] if unit in _UNITS else values
