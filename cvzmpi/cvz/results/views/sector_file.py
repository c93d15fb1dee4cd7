"""`SectorFile`: a searched light curve as the objects that astronomers work with."""

from __future__ import annotations

import math
import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy.timeseries import TimeSeries

from cvzmpi.cvz.light_curves.readers.dilution import exported
from cvzmpi.cvz.reliability.flare_reliability import FlareReliability
from cvzmpi.cvz.results.products.ffd import StarFfd
from cvzmpi.cvz.results.products.measured_flares import COLUMNS
from cvzmpi.cvz.results.products.searched_file import SearchedFile
from cvzmpi.cvz.results.products.searched_sector import SearchedSector
from cvzmpi.cvz.results.views.astropy_tables import (
    ffd_table,
    table_of,
    time_of,
    unit_of_flux,
)
from cvzmpi.cvz.results.views.completeness_tables import completeness_table, limits_table
from cvzmpi.cvz.results.views.html import html_table
from cvzmpi.cvz.results.views.in_short import in_short
from cvzmpi.cvz.results.views.tess_light_curve import tess_light_curve
from cvzmpi.cvz.sector_file.layout import FORMAT_VERSION, TABLES
from cvzmpi.cvz.sector_file.write_content import place_for, write_content
from cvzmpi.errors import SectorFileError
from cvzmpi.given_path import expanded_argument

if TYPE_CHECKING:
    from lightkurve import TessLightCurve

    from cvzmpi.pictures.style import Picture

Size = Literal["equivalent_duration", "amplitude"]


class SectorFile(SearchedFile):
    """A searched light curve, in a sector file or in memory; attributes as `SearchedFile`.

    Attributes
    ----------
    tic, sector : int
        What was observed; 0 where that is not known.
    search : Search
        The search that flares, completeness and times are of.
    header : mapping
        Facts about star and observation, by keyword of the FITS headers.
    config : dict
        The settings that the results depend on, by dotted key.
    marks : tuple of Mark
        Reasons not to believe what was found, each with `name` and `value`.
    n_inject, n_inject_remaining : int
        Flares to be injected, and how many of them are still to do.
    path : Path or None
        Its file; None where it is in memory only.
    """

    def __repr__(self) -> str:
        """One line."""
        state = "done" if self.done else f"checkpoint {self.checkpoint}"
        done = f"{self.n_inject - self.n_inject_remaining} of {self.n_inject} flares injected"
        return f"<{self.name}: {state}, {done}>"

    def _repr_html_(self) -> str:
        """A short table, for notebooks."""
        return html_table(self.name, in_short(self))

    @property
    def exposure(self) -> u.Quantity:
        """Time from one cadence to the next."""
        return (self.data.light_curve.exposure * u.d).to(u.s)

    @cached_property
    def time_series(self) -> TimeSeries:
        """The light curve with all that was computed of it: the rows that have a time.

        `row` is the row of the FITS file, to which the flares refer; in a light curve that was
        given in memory, a table, or a file of QLP, rows that had been left out count as well.
        `gp_mu` and `gp_sigma` are there from checkpoint `model` on.
        """
        lc = self.data.tables()["lc"]
        rows = np.flatnonzero(np.isfinite(lc["time"]))
        time = time_of(lc.pop("time")[rows])
        flux_unit = unit_of_flux(self.header)
        columns = {
            name: values[rows] * flux_unit if TABLES["lc"][name].unit == "e-/s" else values[rows]
            for name, values in lc.items()
        }
        series = TimeSeries(time=time, data=columns | {"row": rows})
        series.meta.update(tic=self.tic, sector=self.sector, **exported(self.header))
        return series

    def light_curve(self) -> TessLightCurve:
        """The same as a lightkurve `TessLightCurve`, in BTJD, with its methods and its `meta`.

        It has every row with a time, whatever its quality; `quality` says which ones lightkurve
        would have left out.

        Raises
        ------
        MissingPackageError
            If there is no lightkurve.
        """
        return tess_light_curve(self.time_series)

    @cached_property
    def flares(self) -> QTable:
        """The flares that were found, as all products have them; empty before checkpoint `model`.

        `measured_flares` says what is in its columns.
        """
        return table_of(COLUMNS, self.measured_flares, self._meta)

    @cached_property
    def injections(self) -> QTable:
        """The injected flares that are done, one row each.

        `row`, `time`, `recovered` and `counted` have one entry for each place at which the flare
        was tried. Those that are not `counted` say nothing about the search chosen.
        """
        table = QTable(meta=self._meta)
        injections, recovery = self.data.injections, self.recovery
        if injections is None or recovery is None:
            return table
        done = slice(recovery.n_done)
        table["flare_id"] = np.arange(recovery.n_done)
        table["amplitude"] = recovery.amplitude * u.dimensionless_unscaled
        table["fwhm"] = recovery.fwhm * u.d
        table["equivalent_duration"] = recovery.equivalent_duration * u.s
        table["row"] = injections.cadence[done]
        table["time"] = time_of(injections.time[done])
        table["recovered"] = recovery.recovered
        table["counted"] = recovery.counted
        return table

    def completeness(self, size: Size = "equivalent_duration") -> QTable:
        """The share of flares that the search finds, by their size.

        Between the rows it is linear in the logarithm of the size, and constant beyond them:
        `completeness_curve` gives it as a function.

        Parameters
        ----------
        size : str
            `equivalent_duration`, or `amplitude` (relative to the median flux).

        Returns
        -------
        QTable
            Of at most 20 bins: the size, `completeness`, and its interval from `low` to `high`.

        Raises
        ------
        SectorFileError
            If no injected flare is done.
        """
        return completeness_table(self.completeness_curve(size), size, self._meta)

    def limits(self, size: Size = "equivalent_duration") -> QTable:
        """The sizes of which a tenth, half, and nine tenths of the flares are found.

        Parameters
        ----------
        size : str
            As of `completeness`.

        Returns
        -------
        QTable
            `level`, the size, `relation` (`=`; `>` where not even the largest injected flares are
            found so often, `<` where even the smallest are) and its interval from `low` to `high`.

        Raises
        ------
        SectorFileError
            If no injected flare is done.
        """
        return limits_table(self.completeness_curve(size), size, self._meta)

    def ffd(
        self,
        min_completeness: float = 0.5,
        ed_max: float | None = None,
        min_reliability: float = 0.0,
    ) -> QTable:
        """The flare frequency distribution of this light curve, the largest flare first.

        Parameters
        ----------
        min_completeness : float
            Rates are given above the equivalent duration of which this share is found.
        ed_max : float, optional
            Largest equivalent duration of the power law, in s.
        min_reliability : float
            Of the flares that are counted.

        Returns
        -------
        QTable
            One row for each flare, with `ed` (s), `energy`, and the cumulative rates `raw_rate`
            (as found) and `rate` (corrected for completeness and reliability). The power law and
            the rate of the star are in its `meta`: `index`, `rate`, `ed_min`, and their intervals.

        Raises
        ------
        UnfinishedFileError
            If too few flares were injected yet.
        """
        return ffd_table(self.star_ffd(min_completeness, ed_max, min_reliability))

    def star_ffd(
        self,
        min_completeness: float = 0.5,
        ed_max: float | None = None,
        min_reliability: float = 0.0,
    ) -> StarFfd:
        """The same as an object with its power law; parameters and errors as of `ffd`."""
        sector = SearchedSector.of(self)
        return StarFfd.of(
            [sector],
            min_completeness=min_completeness,
            upper=math.inf if ed_max is None else ed_max,
            reliabilities=[FlareReliability.alone(sector.flares["reliability"])],
            min_reliability=min_reliability,
        )

    def plot(
        self, what: Literal["overview", "flares", "completeness", "ffd"] = "overview"
    ) -> Picture:
        """Draw it; a notebook shows the figure.

        Parameters
        ----------
        what : str
            `overview` is the figure of `cvzmpi plot`: the light curve, the largest flare, and what
            was recovered. `flares` has the largest flares from near, `completeness` that as a
            function of both sizes, and `ffd` the flare frequency distribution.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        SectorFileError
            If `what` needs injected flares, and none is done.
        """
        # 0.5 s, for those who look at pictures.
        from cvzmpi.cvz.results.pictures.of_light_curve import ffd_picture, picture_of

        return ffd_picture(self.star_ffd()) if what == "ffd" else picture_of(self, what)

    def write(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write it as a sector file, as a campaign of the same settings would have left it.

        Parameters
        ----------
        path : path-like
            The file; or a directory that is there, as the output directory of a campaign, in which
            it gets its place, as `{last 3 digits of the TIC number}/{tic}_{sector}.h5`.
        overwrite : bool
            Whether to replace a file that is there.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        SectorFileError
            If it cannot be written, or there is a file already, or the light curve has no TIC
            number and sector to be called after in a directory.
        """
        if self.format_version != FORMAT_VERSION:
            raise SectorFileError(f"{self.described}: of format version {self.format_version}")
        path = place_for(self.data.light_curve, expanded_argument(path), overwrite)
        write_content(path, self.data, self.provenance, self.answers)
        return path

    @property
    def _meta(self) -> dict[str, Any]:
        return {"tic": self.tic, "sector": self.sector}
