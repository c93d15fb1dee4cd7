"""The starting point of a light curve: a checkpoint of its sector file, or its FITS file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvzmpi.cvz.configuration import LightCurveConfig, as_in_version_1
from cvzmpi.cvz.detection.not_searched import check_search, note_of
from cvzmpi.cvz.detection.search import Search
from cvzmpi.cvz.light_curves.fits_input import read_light_curve
from cvzmpi.cvz.light_curves.light_curve import LightCurve, with_note
from cvzmpi.cvz.light_curves.light_curve_source import LightCurveSource
from cvzmpi.cvz.light_curves.readers.dilution import without_other_stars
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.quality.searched_curve import DEFAULT_SEARCH
from cvzmpi.cvz.sector_file.data import Provenance, SectorData, SectorProgress
from cvzmpi.cvz.sector_file.reading import read_progress_by_name, read_sector_data
from cvzmpi.errors import DamagedFileError, LightCurveError, SectorFileError
from cvzmpi.messages.wording import counted
from cvzmpi.storage.checkpoint_file import check_same_configuration, check_same_data
from cvzmpi.storage.whole_file import set_aside

ALL_AS_MEASURED = LightCurveConfig()


@dataclass(frozen=True)
class StartingPoint:
    """A light curve when the work on it begins."""

    data: SectorData
    checkpoint: Stage  # the last stage that is done
    n_remaining: int  # injected flares to do
    note: str | None = None  # what there is to be told of its files


def check_resume(path: Path, progress: SectorProgress, ours: Provenance) -> None:
    """Refuse to go on with a file that another configuration made, or other models.

    Settings that its format did not have yet are no difference.

    Raises
    ------
    SectorFileError
        With the difference.
    """
    config = ours.config_json
    if progress.format_version == 1:
        config = as_in_version_1(config)
    check_same_configuration(path, config, progress.config_json, SectorFileError)
    data = (ours.models_checksum, progress.models_checksum)
    check_same_data(path, "models", *data, SectorFileError)


def starting_point(
    source: LightCurveSource,
    path: Path,
    n_inject: int,
    provenance: Provenance,
    search: Search = DEFAULT_SEARCH,
    used: LightCurveConfig = ALL_AS_MEASURED,
) -> StartingPoint:
    """Go on from the sector file, or read the FITS file: stage `download`.

    Parameters
    ----------
    provenance : Provenance
        What the sector file must have been made with.
    search : Search
        The search chosen, which must be one that the light curve can be searched with.
    used : LightCurveConfig
        What of the light curve is used.

    Raises
    ------
    LightCurveError
        If there is neither a sector file nor a FITS file that can be read.
    SectorFileError
        If the sector file was made with something else, or cannot be read now.
    """
    note = None
    try:
        progress = read_progress_by_name(path)
        if progress is not None:
            check_resume(path, progress, provenance)
            data, remaining = read_sector_data(path), progress.n_inject_remaining
            return StartingPoint(data, progress.checkpoint, remaining)
    except DamagedFileError as error:
        note = _make_way(source, path, error)
    if source.path is None:
        raise LightCurveError(f"{path}: gone, and its FITS file is not in the input")
    clock = time.perf_counter()
    light_curve, told = _read_best([source.path, *(other.path for other in source.others)])
    if light_curve.id != source.id:
        raise LightCurveError(f"{source.path}: is of {light_curve.id}, expected {source.id}")
    light_curve = as_searched(light_curve, search, used)
    notes = [text for text in (note, *told) if text]
    nothing = np.empty(0)
    data = SectorData(light_curve, nothing, nothing)
    data.seconds[Stage.DOWNLOAD] = time.perf_counter() - clock
    return StartingPoint(data, Stage.DOWNLOAD, n_inject, "; ".join(notes) or None)


def as_searched(light_curve: LightCurve, search: Search, used: LightCurveConfig) -> LightCurve:
    """A light curve as it goes into the search.

    Raises
    ------
    LightCurveError
        If the search cannot look at it.
    """
    if used.dilution == "corrected":
        light_curve = without_other_stars(light_curve, used.quality_bitmask)
    check_search(light_curve, search)
    note = note_of(light_curve)
    return light_curve if note is None else with_note(light_curve, note)


def _read_best(files: Sequence[Path]) -> tuple[LightCurve, list[str]]:
    """Read the first of the files of a light curve that is whole, and say what is odd about it.

    Raises
    ------
    LightCurveError
        What is wrong with the first, where none is whole.
    """
    # A table that differs from its own sum is taken where there is nothing better.
    damage: list[LightCurveError] = []
    attempts = [(file, True) for file in files] if len(files) > 1 else []
    for file, sum_must_fit in [*attempts, *((file, False) for file in files)]:
        try:
            light_curve = read_light_curve(file, sum_must_fit=sum_must_fit)
        except LightCurveError as error:
            damage.append(error)
            continue
        told = [f"{damage[0]}; {file} was read"] if file != files[0] else []
        if "input_note" in light_curve.header:
            told.append(f"{file}: {light_curve.header['input_note']}")
        return light_curve, told
    if len(files) == 1:
        raise damage[0]
    raise type(damage[0])(
        f"{damage[0]}; none of its {counted(len(files), 'file')} can be read"
    ) from damage[0]


def _make_way(source: LightCurveSource, path: Path, error: DamagedFileError) -> str:
    """Set a damaged sector file aside, if its light curve can be begun anew; what to tell of it.

    Raises
    ------
    LightCurveError
        If the FITS file is not here. One that the archive has is fetched for the next attempt,
        since by then there is no sector file. Where there is no other way to it, the damaged file
        stays: it is all that tells of this light curve.
    """
    if source.path is not None:
        return f"{error}; kept as {set_aside(path).name}, started anew"
    if source.product is not None:
        kept = set_aside(path).name
        raise LightCurveError(f"{error}; kept as {kept}, its FITS file is fetched again") from error
    message = f"{error}; its FITS file is needed again, and is not in the input"
    raise LightCurveError(message) from error
