"""Readers of all products of a campaign, each into the same few numbers by light curve and star.

A new product needs a function with `@product` that says what it shows; the walk does the rest.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from astropy.table import QTable

import cvzmpi
from cvzmpi.cvz.commands.ledger.serve import served_campaign
from cvzmpi.cvz.commands.settings import settings_of_output
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.readers.reader import BTJD_ZERO
from cvzmpi.cvz.results.index.place import table_path
from cvzmpi.cvz.results.outcome import outcome_of
from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.parts.cells import Addresses
from cvzmpi.dashboard.parts.results import result_rows
from cvzmpi.ledger import Event, Ledger, State
from tests.cvz.results.report.shown_light_curve import data_of
from tests.cvz.results.report.shown_table import shown_table
from tests.ledger.way import bring_to
from tools.harness.job_process import environment

REPOSITORY = Path(__file__).parents[3]

OF_LIGHT_CURVE = ("searched", "evaluated", "n_flares", "largest_flare", "largest_energy")
OF_FLARE = (
    *("equivalent_duration", "equivalent_duration_error", "energy", "energy_error"),
    *("mask_equivalent_duration", "amplitude", "snr", "peak_time"),
)
OF_INDEXED_FLARE = (*OF_FLARE, "reliability")
"""Only all light curves together say how reliable a flare is."""

OF_STAR = ("searched", "n_flares", "largest_flare", "largest_energy")

_OTHER_NAMES = {
    **{"ed": "equivalent_duration", "ed_error": "equivalent_duration_error"},
    **{"ed_mask": "mask_equivalent_duration"},
}
"""Columns of the tables of rates."""

_OF_GALLERY = {
    **{"peak, BTJD": "peak_time", "ED": "equivalent_duration", "energy": "energy"},
    **{"amplitude": "amplitude", "S/N": "snr", "reliability": "reliability"},
}
"""Facts of the gallery by their titles; those with errors have these with `_error`."""


@dataclass
class Seen:
    """What a product shows: numbers by name, of each light curve, of its flares, and of each star.

    None stands for a number that is not known.
    """

    light_curves: dict = field(default_factory=dict)
    flares: dict = field(default_factory=lambda: defaultdict(list))
    stars: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """A product: how it is read, and how exact it is.

    Parameters
    ----------
    digits, significant : int, optional
        Figures after the point, or significant ones, where it is a text for people.
    only_done, only_with_flares : bool
        Whether light curves that are not done, or have no flare, are left out of it.
    some_flares : bool
        Whether it shows a choice of the flares.
    """

    read: object
    digits: int | None = None
    significant: int | None = None
    only_done: bool = False
    only_with_flares: bool = False
    some_flares: bool = False


PRODUCTS = {}


def product(title, **how):
    """Have what a function reads compared with the others."""

    def add(read):
        PRODUCTS[title] = Product(read, **how)
        return read

    return add


def number(value):
    """A number as a product has it, without its unit; None where it is not known."""
    if value is None or np.any(getattr(value, "mask", False)):
        return None
    if hasattr(value, "jd"):
        value = (value.jd1 - BTJD_ZERO) + value.jd2
    value = float(getattr(value, "value", value))
    return None if np.isnan(value) else value


def numbers(row, names):
    """The numbers of a row that have these names, or others for the same."""
    renamed = {_OTHER_NAMES.get(name, name): row[name] for name in row.keys()}  # noqa: SIM118
    return {name: number(renamed[name]) for name in names if name in renamed}


def rows_of(table):
    """The rows of a table of astropy."""
    return [{name: row[name] for name in table.colnames} for row in table]


def seen_in(light_curves=(), flares=(), stars=()):
    """What is in tables with the names of the index."""
    seen = Seen()
    for row in light_curves:
        seen.light_curves[int(row["tic"]), int(row["sector"])] = numbers(row, OF_LIGHT_CURVE)
    for row in flares:
        seen.flares[int(row["tic"]), int(row["sector"])].append(numbers(row, OF_INDEXED_FLARE))
    for row in stars:
        seen.stars[int(row["tic"])] = numbers(row, OF_STAR)
    return seen


# ----------------------------------------------------------------- single light curves


@product("sector file, as astropy has it")
def sector_files(campaign):
    seen = Seen()
    for unit, file in campaign.files().items():
        time, flares = file.search_time(), file.flares
        seen.light_curves[unit] = {
            "searched": time.searched,
            "evaluated": time.evaluated,
            "n_flares": file.searched.n_flares,
        }
        seen.flares[unit] = [numbers(row, OF_FLARE) for row in rows_of(flares)]
    return seen


@product("distribution of a light curve", only_done=True)
def light_curve_ffd(campaign):
    seen = Seen()
    for unit, file in campaign.files().items():
        if campaign.is_done(unit):
            seen.flares[unit] = [numbers(row, OF_FLARE) for row in rows_of(file.ffd())]
            seen.light_curves[unit] = {"n_flares": len(seen.flares[unit])}
    return seen


@product("history of a light curve")
def history(campaign):
    seen = Seen()
    for unit in campaign.units:
        seen.light_curves[unit] = numbers(
            outcome_of(campaign.search, campaign.path(unit)), OF_LIGHT_CURVE
        )
    return seen


@product("show of one light curve", digits=2)
def show(campaign):
    seen = Seen()
    for unit in campaign.units:
        text = campaign.run("show", campaign.path(unit))
        searched = re.search(r"searched +([\d.]+) d by .*?; ([\d.]+) d", text)
        found = re.search(r" (\d+) found", text)
        seen.light_curves[unit] = {
            "searched": float(searched[1]),
            "evaluated": float(searched[2]),
            "n_flares": int(found[1]) if found else 0,
        }
        for line in text.splitlines():
            if re.match(r" *\d+\.\d{5} ", line):
                cells = line.split()
                seen.flares[unit].append(
                    {"peak_time": float(cells[0]), "equivalent_duration": float(cells[4])}
                )
    return seen


@product("show of many light curves", digits=1)
def show_many(campaign):
    seen = Seen()
    for line in campaign.run("show", *map(campaign.path, campaign.units)).splitlines():
        if line.rstrip().endswith(".h5"):
            tic, sector, _, searched, n_flares, largest, *_ = line.split()
            seen.light_curves[int(tic), int(sector)] = {
                "searched": float(searched),
                "n_flares": int(n_flares),
                "largest_flare": None if largest == "-" else float(largest),
            }
    return seen


# ----------------------------------------------------------------- the index


def index_of(directory):
    light_curves, flares = (
        pq.read_table(table_path(directory / "index", name)).to_pylist()
        for name in ("light_curves", "flares")
    )
    return seen_in(light_curves, flares)


@product("index")
def index(campaign):
    return index_of(campaign.results)


@product("index by tools/merge_index.py")
def merged_index(campaign):
    directory = campaign.copy_of_results()
    command = [sys.executable, str(REPOSITORY / "tools" / "merge_index.py"), str(directory)]
    subprocess.run([*command, "--search", campaign.search], check=True, env=environment())
    return index_of(directory)


@product("directory read by the library")
def library(campaign):
    read = cvzmpi.read(campaign.results)
    return seen_in(rows_of(read.light_curves), rows_of(read.flares), rows_of(read.stars))


# ----------------------------------------------------------------- rates


@product("distribution of a star by the library", only_done=True)
def star_ffd(campaign):
    read, seen = cvzmpi.read(campaign.results), Seen()
    for tic in {tic for tic, sector in campaign.units if campaign.is_done((tic, sector))}:
        for row in rows_of(read.ffd(tic)):
            seen.flares[tic, int(row["sector"])].append(numbers(row, OF_FLARE))
    return seen


def tables_of_rates(campaign, read):
    """Tables of `cvzmpi ffd`; their stars have no light curve that is not done."""
    directory = campaign.directory / "ffd"
    sectors, flares = (rows_of(read(directory / f"ffd_{name}")) for name in ("sectors", "flares"))
    return seen_in(sectors, flares)


@product("rates, ECSV", only_done=True)
def rates_as_text(campaign):
    return tables_of_rates(campaign, lambda path: QTable.read(path.with_suffix(".ecsv")))


@product("rates, Parquet", only_done=True)
def rates_as_parquet(campaign):
    return tables_of_rates(campaign, lambda path: QTable.read(path.with_suffix(".parquet")))


# ----------------------------------------------------------------- the report


@product("pages of the report")
def pages(campaign):
    report = campaign.directory / "report"
    seen = seen_in(stars=shown_table((report / "data/stars.js").read_text(), "stars"))
    (columns,) = report.glob("data/columns-*.js")
    for tic in {tic for tic, _ in campaign.units}:
        text = (report / f"stars/{tic % 1000:03d}/{tic}/data.js").read_text()
        text += columns.read_text()
        of_star = seen_in(
            *(
                [row | {"tic": tic} for row in shown_table(text, name)]
                for name in ("light-curve-table", "flare-table")
            )
        )
        seen.light_curves |= of_star.light_curves
        seen.flares |= of_star.flares
    return seen


def scripts_of_light_curves(campaign):
    """The drawn light curves of the report, as their pages have them."""
    stars = campaign.directory / "report/stars"
    for tic, sector in campaign.units:
        script = stars / f"{tic % 1000:03d}/{tic}/{sector}.js"
        yield (tic, sector), data_of(script.read_text())


@product("drawn light curves")
def drawn_light_curves(campaign):
    seen = Seen()
    for unit, data in scripts_of_light_curves(campaign):
        columns = {name: column for name, column in data["flares"].items() if column}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        seen.flares[unit] = [numbers(row, OF_INDEXED_FLARE) for row in rows]
    return seen


@product("drawn light curves in words", digits=2)
def light_curves_in_words(campaign):
    seen = Seen()
    for unit, data in scripts_of_light_curves(campaign):
        found = re.search(r"(\d+) flares? found", data["summary"])
        seen.light_curves[unit] = {
            "searched": float(re.search(r"([\d.]+) d were searched", data["summary"])[1]),
            "n_flares": int(found[1]) if found else 0,
        }
    return seen


@product("gallery", some_flares=True)
def gallery(campaign):
    seen, known = Seen(), set()
    for script in sorted((campaign.directory / "report/data").glob("gallery-*.js")):
        content = json.loads(re.match(r'cvzmpi\.gallery\("[\w-]+", (.*)\);', script.read_text())[1])
        names = [_OF_GALLERY.get(fact["title"]) for fact in content["facts"]]
        scales = [0.01 if fact["unit"] == "%" else 1 for fact in content["facts"]]
        for flare in content["flares"]:
            shown = {}
            for name, scale, value, error in zip(
                names, scales, flare["values"], flare["errors"], strict=True
            ):
                shown[name] = None if value is None else value * scale
                if error is not None:
                    shown[f"{name}_error"] = error * scale
            row = numbers(shown, OF_INDEXED_FLARE)
            unit = tuple(int(flare[name].split()[1]) for name in ("star", "part"))
            if (found := (*unit, *row.items())) not in known:
                known.add(found)  # in several sets with the same numbers
                seen.flares[unit].append(row)
    return seen


def downloads(campaign, read):
    directory = campaign.directory / "report/downloads"
    return seen_in(
        *(rows_of(read(directory / name)) for name in ("light_curves", "flares", "stars"))
    )


@product("downloads, CSV")
def downloads_as_csv(campaign):
    return downloads(
        campaign, lambda path: QTable.read(path.with_suffix(".csv"), format="ascii.csv")
    )


@product("downloads, ECSV")
def downloads_as_ecsv(campaign):
    return downloads(
        campaign, lambda path: QTable.read(path.with_suffix(".ecsv"), format="ascii.ecsv")
    )


@product("downloads, Parquet")
def downloads_as_parquet(campaign):
    return downloads(campaign, lambda path: QTable.read(path.with_suffix(".parquet")))


# ----------------------------------------------------------------- the dashboard


@product("dashboard", significant=3, only_done=True, only_with_flares=True)
def dashboard(campaign):
    config = settings_of_output(None, campaign.directory / "dashboard")
    with Ledger.open(config.ledger_location()) as ledger:
        job = ledger.jobs.begin("run", ranks=2)
        names = {LightCurveId(*unit).name: unit for unit in campaign.units}
        done = {name: unit for name, unit in names.items() if campaign.is_done(unit)}
        bring_to(ledger, job, State.WORKING, *names)
        for name, unit in done.items():
            told = {"seconds": 1.0, "outcome": outcome_of(campaign.search, campaign.path(unit))}
            ledger.record([Event(name, State.DONE, detail=told)], job)
        ledger.jobs.end(job, "done")
    served, seen = served_campaign(config), Seen()
    columns = [figure.name for figure in served.figures]
    for row in result_rows(Look(served), Addresses(str, str), len(done)):
        name, _, *figures, _ = (cell["text"] for cell in row)
        shown = dict(zip(columns, figures, strict=True))
        assert shown.pop("search") == campaign.search
        seen.light_curves[names[name]] = {
            name: float(text) if text else None for name, text in shown.items()
        }
    return seen
