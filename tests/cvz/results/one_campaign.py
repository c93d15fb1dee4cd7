"""A small campaign of odd light curves, and what is made of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from mpi4py import MPI

import cvzmpi
from cvzmpi.cli import cli
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.results.products import measured_flares, template_fit
from cvzmpi.cvz.results.report.site import write_site
from cvzmpi.mpi.launch import World
from tests.cvz.results.example_unit import write_unit

STAR = {"RADIUS": 0.35}
N_LOST = 3
"""Flares that `lose_light` leaves in no rate."""


def lose_light(data):
    """Flares that are none: a dip, one without any light, and one of noise."""
    flux, flares = data.light_curve.flux, data.flares
    templates = [name for name in flares if name.startswith(("equivalent", "template", "fwhm"))]
    for number, level in enumerate((-0.05, 0.0, -0.002)):
        for name in templates:
            flares[name][number] = np.nan
        rows = slice(flares["start"][number], flares["stop"][number] + 1)
        flux[rows] = data.gp_mu[rows] * (1 + level)
        n = rows.stop - rows.start
        flares["mask_equivalent_duration"][number] = level * n * 120
        flares["mask_equivalent_duration_error"][number] = 2.0


def found_otherwise(data):
    """The first flare was found by stella alone, and more was looked at by the other search."""
    data.flares["found_by"][0] = 1


LOSES_LIGHT = {"flares": (150, 300, 450, 600, 1500, 1900), "change": lose_light}


@dataclass
class Campaign:
    """A campaign, all that is made of it, and how many templates were fitted for that."""

    directory: Path
    search: str  # in effect
    units: list[tuple[int, int]]
    not_done: frozenset[tuple[int, int]] = frozenset()
    n_fitted: int = 0

    def is_done(self, unit):
        """True if a light curve is done."""
        return unit not in self.not_done

    def copy_of_results(self):
        """The sector files in another directory, without their index."""
        copy = self.directory / "copy"
        if not copy.exists():
            shutil.copytree(self.results, copy, ignore=shutil.ignore_patterns("index"))
        return copy

    @property
    def results(self):
        """The directory of the sector files."""
        return self.directory / "results"

    def path(self, unit):
        """The sector file of a light curve."""
        return LightCurveId(*unit).path(self.results)

    def files(self):
        """The light curves as the library reads them."""
        return {unit: cvzmpi.read(self.path(unit), self.search) for unit in self.units}

    def run(self, *arguments):
        """What a command prints."""
        arguments = [*map(str, arguments), "--search", self.search]
        return CliRunner().invoke(cli, arguments, catch_exceptions=False).output


def make_campaign(directory, units, version, search, not_done=()):
    """Write a campaign of files of a format version, its report and the tables of its rates.

    Parameters
    ----------
    units : dict
        How each light curve is written, as `write_unit` takes it.
    search : str
        The search chosen; files of version 1 have that of stella only.
    not_done : collection
        Those of the units that are not done.
    """
    for unit, odd in units.items():
        write_unit(directory / "results", *unit, **{"header": STAR, "version": version, **odd})
    made = Campaign(
        directory, search if version > 1 else "stella", list(units), frozenset(not_done)
    )
    original = template_fit.fit_flares

    def counting(data, quality_bitmask):
        made.n_fitted += len(data.flares["peak"])
        return original(data, quality_bitmask)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measured_flares, "fit_flares", counting)
        site = write_site(
            made.results, directory / "report", World(MPI.COMM_SELF), 5, search=Search(search)
        )
    assert site.left_out == []
    for kind in ("ecsv", "parquet"):
        made.run(
            *("ffd", "--all", "--results", made.results, "--output", directory / "ffd"),
            *("--format", kind),
        )
    return made
