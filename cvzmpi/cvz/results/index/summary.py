"""A sector file summed up: its row of the index, its flares, and all events in it.

That takes a millisecond, and 7 to 30 ms more for each flare of a file of format version 1, whose
templates are fitted here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.flares import MIRROR_COLUMNS
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.detection.significance.images import Image
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import marks_of, marks_text
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH, SearchedCurve
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.results.index.columns import EVENTS, FOUND
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.results.products.injected_bins import InjectedBins
from cvzmpi.cvz.results.products.measured_flares import in_a_rate, largest_flare, measured_flares
from cvzmpi.cvz.results.products.tess_band import FlareEnergyScale
from cvzmpi.cvz.sector_file.checks import CHECKSUM, check_on_trial
from cvzmpi.cvz.sector_file.data import Columns, SectorData
from cvzmpi.cvz.sector_file.layout import FORMAT, FORMAT_VERSION, LAYOUTS
from cvzmpi.cvz.sector_file.open_file import OpenSectorFile
from cvzmpi.cvz.sector_file.star_facts import star_facts
from cvzmpi.errors import CvzmpiError, SectorFileError, one_line
from cvzmpi.storage.hdf5_file import DAMAGES, ForeignFileError, NotOpenedError, ensure_sound

_TEXTS = (CHECKSUM, "config_sha256", "models_sha256", "software")


class UnreadableError(CvzmpiError):
    """A file has no place in the index. `kind` says why in one word, the message in a line."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class Summary:
    """The rows of a sector file in the tables of the index, by column.

    `light_curve` is without the columns that say what is known about the file from outside.
    """

    light_curve: dict[str, Any]
    flares: Columns
    events: Columns  # of either search, in the light curve and in its mirror images
    completeness: Columns  # bins of injected equivalent durations


def summarise(path: Path, search: Search = DEFAULT_SEARCH) -> Summary:
    """Sum a sector file up, seen by the search chosen. It may be written to while it is read.

    Raises
    ------
    UnreadableError
        If it is no sector file, or unreadable, or inconsistent.
    """
    try:
        ensure_sound(path, check_on_trial)
        with OpenSectorFile.opened(path) as file:
            return _summary(file, search)
    except ForeignFileError as error:
        raise UnreadableError("foreign", str(error)) from error
    except NotOpenedError as error:
        raise UnreadableError("unreadable", str(error)) from error
    except OSError as error:
        reason = one_line(error) if error.errno is None else os.strerror(error.errno)
        raise UnreadableError("unreadable", reason) from error
    except SectorFileError as error:
        raise UnreadableError("unusable", one_line(error)) from error
    except DAMAGES as error:
        raise UnreadableError("damaged", one_line(error)) from error


def _summary(file: OpenSectorFile, search: Search) -> Summary:
    root = file.root
    if "format" not in root or root.text("format") != FORMAT:
        raise UnreadableError("foreign", f"not a {FORMAT}")
    if (version := root.integer("format_version")) not in LAYOUTS:
        raise UnreadableError("foreign", f"format version {version}, expected {FORMAT_VERSION}")
    checkpoint, config = root.text("checkpoint"), json.loads(root.text("config"))
    data = file.light_curve()
    light_curve = data.light_curve.id
    row = {
        **light_curve._asdict(),
        "catalogue": light_curve.catalogue,
        "state": "unfinished",
        "checkpoint": checkpoint,
        "exposure": root.number("exposure"),
        "seed": root.integer("seed"),
        **{name: root.text(name) for name in _TEXTS},
        **{f"seconds_{stage}": seconds for stage, seconds in data.seconds.items()},
        **star_facts(data.light_curve.header),
        "n_cadences": data.light_curve.n_cadences,
    }
    if checkpoint == Stage.MODEL:
        data.flares = file.flares()
        data.gp_facts = _gaussian_process(file)
        data.gp_mu = file.column("lc", "gp_mu")
        data.left_out = file.column_if_made("lc", "left_out")
        data.significance = file.column_if_made("lc", "significance")
        data.mirror_events = _mirror_events(file)
        data.noise_raised = file.column_if_made("templates", "noise_raised")
        made = (data.gp_mu, data.left_out, data.significance)
        if any(column is not None and len(column) != len(data.probability) for column in made):
            raise UnreadableError("damaged", "datasets of lc differ in length")
        row |= data.gp_facts
    elif checkpoint != Stage.DETECT:
        raise UnreadableError("damaged", f"its checkpoint is {checkpoint!r}")
    searched = SearchedCurve(data, config, search)
    flares = measured_flares(searched)
    row |= _of_search(searched) | _of_pool(searched, config)
    bins = InjectedBins.none()
    if searched.flares is not None:
        recoveries, bins = _recoveries(file, searched)
        row |= _of_flares(flares) | recoveries
    row["marks"] = marks_text(marks_of(searched))
    if "equivalent_duration_50" in row:
        scale = FlareEnergyScale.of_star(row["radius"], row["temperature"], row["catalogue"])
        energy, error = scale.energy(np.array(row["equivalent_duration_50"]), np.zeros(()))
        row |= {"energy_50": _known(energy), "energy_50_error": _known(error)}
    return Summary(row, flares, _events(data), _completeness(bins))


def _of_search(searched: SearchedCurve) -> dict[str, Any]:
    return {
        "search": str(searched.search),
        "n_evaluated": int(searched.evaluated.sum()),
        "n_flaring": int(searched.flaring.sum()),
        "evaluated": searched.time.evaluated,
        "searched": searched.time.searched,
        "n_flares": searched.n_flares,
    }


def _of_pool(searched: SearchedCurve, config: Mapping[str, Any]) -> dict[str, Any]:
    """What says which light curves it is like, and which events it can have."""
    data = searched.data
    flux, error = (
        values[searched.usable].astype(np.float64)
        for values in (data.light_curve.flux, data.light_curve.flux_err)
    )
    return {
        "noise": _known(np.median(error) / np.median(flux)) if len(flux) else None,
        "n_images": 0 if data.mirror_events is None else len(Image),
        "min_snr": config.get("significance.min_snr"),
        "min_probability": config["detect.threshold"],
    }


def _mirror_events(file: OpenSectorFile) -> Columns | None:
    """The events in mirror images; None in a file of a version that has none."""
    images = file.column_if_made("mirror_events", "image")
    if images is None or len(images):
        return None if images is None else file.columns("mirror_events", MIRROR_COLUMNS)
    return {name: np.empty(0, dtype) for name, (dtype, _) in MIRROR_COLUMNS.items()}


def _events(data: SectorData) -> Columns:
    """Flares of either search, and events in mirror images: none where there are no images."""
    names = [name for name in EVENTS if name in MIRROR_COLUMNS]
    flares, mirrored = data.flares, data.mirror_events
    if flares is None or mirrored is None:
        return {name: np.empty(0, MIRROR_COLUMNS[name][0]) for name in names}
    found = flares | {"image": np.full(len(flares["peak"]), FOUND)}
    return {
        name: np.concatenate([found[name], mirrored[name]]).astype(MIRROR_COLUMNS[name][0])
        for name in names
    }


def _of_flares(flares: Columns) -> dict[str, Any]:
    """How many are in no rate, and the measures of the largest one."""
    return {"n_not_positive": int(np.sum(~in_a_rate(flares))), **largest_flare(flares)}


def _known(value: np.ndarray) -> float | None:
    """A number, or None for NaN."""
    return float(value) if np.isfinite(value) else None


def _gaussian_process(file: OpenSectorFile) -> dict[str, Any]:
    """The facts of the fit that have a column."""
    attributes = file.attributes("lc")
    kernel = attributes.text("gp_kernel")
    if kernel not in KERNELS:
        raise UnreadableError("damaged", f"unknown kernel {kernel!r}")
    numbers = ("log_likelihood", *KERNELS[kernel].parameters, "jitter", "mean")
    return {
        "gp_kernel": kernel,
        "gp_converged": attributes.flag("gp_converged"),
        "gp_n_evaluations": attributes.integer("gp_n_evaluations"),
        **{f"gp_{name}": attributes.number(f"gp_{name}") for name in numbers},
    }


def _completeness(bins: InjectedBins) -> Columns:
    return {
        "log_duration": bins.log_size,
        "n_placed": bins.n_placed,
        "n_recovered": bins.n_recovered,
        "n_effective": bins.n_effective,
    }


def _recoveries(
    file: OpenSectorFile, searched: SearchedCurve
) -> tuple[dict[str, Any], InjectedBins]:
    """The injections so far, as the search found them, and their bins by equivalent duration.

    The count is read first: a job that writes can only lower it.
    """
    n_remaining = file.attributes("recoveries").integer("n_inject_remaining")
    recovered = searched.search.recovered(
        file.column("recoveries", "recovered"),
        file.column_if_made("recoveries", "recovered_significance"),
    )
    n_inject, n_repeat = recovered.shape
    if not 0 <= n_remaining <= n_inject:
        raise UnreadableError("damaged", f"{n_remaining} of {n_inject} injections remain")
    n_done = n_inject - n_remaining
    cadence = file.column("injections", "cadence")
    if cadence.shape != recovered.shape or not np.all(
        (cadence >= 0) & (cadence < len(searched.usable))
    ):
        raise UnreadableError("damaged", "injections and recoveries do not fit together")
    recovered, counted = recovered[:n_done], searched.counted(cadence[:n_done])
    row = {
        "state": "unfinished" if n_remaining else "done",
        "n_inject": n_inject,
        "n_repeat": n_repeat,
        "n_inject_remaining": n_remaining,
    }
    if counted.any():
        row["recovered_fraction"] = float(recovered[counted].mean())
    bins = InjectedBins.none()
    for size in ("amplitude", "equivalent_duration"):
        values = file.column("injections", size)
        if len(values) != n_inject:
            raise UnreadableError("damaged", "injections and recoveries do not fit together")
        bins = InjectedBins.of(values[:n_done], recovered, counted)
        # Without its interval, which takes twenty times as long as all the rest.
        limit = CompletenessCurve.of_bins(bins, n_draws=0).limit(0.5)
        if limit.relation == "=" and counted.any():
            row[f"{size}_50"] = limit.value
    if counted.any():
        row |= {"smallest_injected": bins.smallest, "largest_injected": bins.largest}
    return row, bins
