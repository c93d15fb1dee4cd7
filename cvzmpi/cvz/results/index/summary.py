"""A sector file summed up: its row of the index, and its flares, in a fraction of a millisecond."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.cvz.detection.flares import at_edge
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.quality_marks import marks_text, quality_marks
from cvzmpi.cvz.quality.searched_curve import SearchedCurve
from cvzmpi.cvz.quiet_star.celerite_kernels import KERNELS
from cvzmpi.cvz.results.products.completeness import CompletenessCurve
from cvzmpi.cvz.sector_file.checks import CHECKSUM, check_on_trial
from cvzmpi.cvz.sector_file.layout import FORMAT, FORMAT_VERSION, LAYOUTS
from cvzmpi.cvz.sector_file.open_file import OpenSectorFile, no_flares
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
    flares: dict[str, np.ndarray]


def summarise(path: Path) -> Summary:
    """Sum a sector file up. It may be written to while it is read.

    Raises
    ------
    UnreadableError
        If it is no sector file, or unreadable, or inconsistent.
    """
    try:
        ensure_sound(path, check_on_trial)
        with OpenSectorFile.opened(path) as file:
            return _summary(file)
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


def _summary(file: OpenSectorFile) -> Summary:
    root = file.root
    if "format" not in root or root.text("format") != FORMAT:
        raise UnreadableError("foreign", f"not a {FORMAT}")
    if (version := root.integer("format_version")) not in LAYOUTS:
        raise UnreadableError("foreign", f"format version {version}, expected {FORMAT_VERSION}")
    checkpoint, config = root.text("checkpoint"), json.loads(root.text("config"))
    data = file.light_curve()
    row = {
        "tic": data.light_curve.tic,
        "sector": data.light_curve.sector,
        "state": "unfinished",
        "checkpoint": checkpoint,
        "exposure": root.number("exposure"),
        "seed": root.integer("seed"),
        **{name: root.text(name) for name in _TEXTS},
        **{f"seconds_{stage}": seconds for stage, seconds in data.seconds.items()},
        **star_facts(data.light_curve.header),
        "n_cadences": data.light_curve.n_cadences,
        "n_evaluated": int(np.isfinite(data.probability).sum()),
        "n_flaring": int(data.flare_mask.sum()),
        "observed_time": SearchedCurve(data, config).time.searched,
    }
    flares = no_flares()
    if checkpoint == Stage.MODEL:
        flares = data.flares = file.flares()
        durations = flares["mask_equivalent_duration"]
        if len(durations):
            row["largest_flare"] = float(durations.max())
        data.gp_facts = _gaussian_process(file)
        data.gp_mu = file.column("lc", "gp_mu")
        data.left_out = file.column_if_made("lc", "left_out")
        if len(data.gp_mu) != len(data.probability):
            raise UnreadableError("damaged", "datasets of lc differ in length")
        row |= data.gp_facts | _recoveries(file)
    elif checkpoint != Stage.DETECT:
        raise UnreadableError("damaged", f"its checkpoint is {checkpoint!r}")
    row["marks"] = marks_text(quality_marks(data, config))
    edge = at_edge(data.probability, flares["start"], flares["stop"])
    return Summary(row, flares | {"at_edge": edge})


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


def _recoveries(file: OpenSectorFile) -> dict[str, Any]:
    """The injections so far. The count is read first: a job that writes can only lower it."""
    n_remaining = file.attributes("recoveries").integer("n_inject_remaining")
    recovered = file.column("recoveries", "recovered")
    n_inject, n_repeat = recovered.shape
    if not 0 <= n_remaining <= n_inject:
        raise UnreadableError("damaged", f"{n_remaining} of {n_inject} injections remain")
    n_done = n_inject - n_remaining
    row = {
        "state": "unfinished" if n_remaining else "done",
        "n_inject": n_inject,
        "n_repeat": n_repeat,
        "n_inject_remaining": n_remaining,
    }
    if n_done:
        row["recovered_fraction"] = float(recovered[:n_done].mean())
    for size in ("amplitude", "equivalent_duration"):
        values = file.column("injections", size)
        if len(values) != n_inject:
            raise UnreadableError("damaged", "injections and recoveries do not fit together")
        # Without its interval, which takes twenty times as long as all the rest.
        limit = CompletenessCurve.fit(values[:n_done], recovered[:n_done], n_draws=0).limit(0.5)
        if limit.relation == "=" and n_done:
            row[f"{size}_50"] = limit.value
    return row
