"""The Level 2 product of an inverted map: its FITS files and one ASDF file, in a directory."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.inversion.inversion_file import InvertedMap
from cvzmpi.level2.maps.level1 import Level1Map, read_level1
from cvzmpi.level2.maps.map_file import writing
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product import level2_asdf, level2_fits
from cvzmpi.level2.product.checked_product import INVERSION_ID
from cvzmpi.level2.product.extensions import Extension
from cvzmpi.level2.product.level2_asdf import Description
from cvzmpi.level2.product.level2_fits import Frame, ScanPosition
from cvzmpi.level2.product.level2_wcs import Level1Coordinates
from cvzmpi.level2.spectroscopy.milne_eddington import PARAMETERS, MilneEddington
from cvzmpi.storage.whole_file import write_whole

SPECTRAL_LINE = "FeI630"

# The name of a parameter of the model in the product, and the factor to the unit there.
_TO_PRODUCT = {
    "field_strength": ("mag_strength", 1e-4),
    "velocity": ("velocity", 1.0),
    "inclination": ("mag_inclination", 180 / np.pi),
    "azimuth": ("mag_azimuth", 180 / np.pi),
}


@dataclass(frozen=True)
class Product:
    """The files that were written."""

    inversion_id: str
    directory: Path
    asdf: Path
    fits: tuple[Path, ...]
    inventory: dict[str, Any]  # the record of the inversion in the ASDF file


def write_product(
    level1_directory: Path,
    prepared: PreparedMap,
    inverted_path: Path,
    directory: Path,
    inversion_id: str,
    created: datetime,
) -> Product:
    """Write the Level 2 files of a map; repeated, it writes the same files.

    Parameters
    ----------
    level1_directory : Path
        The dataset that the map was prepared from; only its ASDF file is needed.
    inverted_path : Path
        The finished inverted map.
    directory : Path
        Directory of the files; made if needed.
    inversion_id : str
        `inv.` and six of A-Z and 0-9.
    created : datetime
        The time in the files, in UTC.

    Raises
    ------
    Level1Error
        If the dataset cannot be read.
    MapFileError
        If the inverted map is not finished or is of other data, or a file cannot be written.
    """
    if not INVERSION_ID.fullmatch(inversion_id):
        raise MapFileError(f"{inversion_id}: expected inv. and six of A-Z and 0-9")
    inverted = inversion_file.read(inverted_path)
    if inverted.origin.prepared_checksum != prepared.checksum:
        raise MapFileError(f"{inverted_path}: not inverted from {prepared.path}")
    level1 = read_level1(level1_directory, int(prepared.record["map"]), files_needed=False)
    _check_same_map(level1, prepared)
    slit_bin = int(prepared.record["settings"]["slit_bin"])
    frames = [Frame(header, slit_bin, prepared.wavelength) for header in level1.headers()]
    names, headers = [], []
    with prepared.profiles() as profiles:
        model = _model(prepared, inverted)
        for step, frame in enumerate(frames):
            found = _scan_position(step, profiles[step], inverted, model)
            file = level2_fits.build(inversion_id, frame, found, created)
            names.append(level2_fits.file_name(inversion_id, frame.header))
            headers.append([dict(unit.header) for unit in file])
            buffer = io.BytesIO()
            file.writeto(buffer)
            with writing(directory / names[-1]):
                write_whole(directory / names[-1], buffer.getvalue())
    inventory = _inventory(level1, inversion_id, created, len(frames))
    description = Description(
        inventory=inventory,
        file_names=names,
        headers=headers,
        level1=Level1Coordinates(level1.wcs, int(prepared.record["map"]), slit_bin),
        n_slit=prepared.shape[1],
        wavelength=prepared.wavelength,
    )
    begin = level2_fits.begin_of(frames[0].header)
    asdf = directory / level2_asdf.asdf_name(inversion_id, begin)
    content = level2_asdf.build(description, directory)
    with writing(asdf):
        write_whole(asdf, content)
    return Product(
        inversion_id, directory, asdf, tuple(directory / name for name in names), inventory
    )


def _check_same_map(level1: Level1Map, prepared: PreparedMap) -> None:
    dataset, made_from = level1.inventory["datasetId"], prepared.record["dataset"]
    if dataset != made_from:
        raise MapFileError(f"{prepared.path}: prepared from {made_from}, not from {dataset}")


def _model(prepared: PreparedMap, inverted: InvertedMap) -> MilneEddington:
    settings = json.loads(inverted.origin.settings_json)
    stray_light = prepared.quiet_profile if settings["fit_filling_factor"] else None
    return MilneEddington(prepared.wavelength, stray_light=stray_light)


def _scan_position(
    step: int, observed: np.ndarray, inverted: InvertedMap, model: MilneEddington
) -> ScanPosition:
    quantities, more = {}, []
    for name, (quantity, factor) in _TO_PRODUCT.items():
        extension = level2_fits.QUANTITIES[quantity]
        quantities[quantity] = factor * inverted.parameters[name][step]
        uncertainty = Extension(
            f"Uncertainty of {extension.name}", f"stat.stdev;{extension.kind}", extension.unit
        )
        more.append((uncertainty, factor * inverted.uncertainties[name][step]))
    more += [
        (
            Extension(f"Milne-Eddington {name.replace('_', ' ')}", "", unit),
            inverted.parameters[name][step],
        )
        for name, unit in PARAMETERS.items()
        if name not in _TO_PRODUCT
    ]
    more.append((Extension("Reduced chi squared", "stat.fit.chi2"), inverted.chi_squared[step]))
    more.append((Extension("Status", "meta.code.status"), inverted.status[step]))
    parameters = np.stack([inverted.parameters[name][step] for name in PARAMETERS], axis=1)
    fitted = model.stokes(parameters.astype(float))
    return ScanPosition(
        quantities=quantities,
        profiles={
            "FeI630_orig": observed.transpose(0, 2, 1),
            "FeI630_fit": fitted.transpose(0, 2, 1),
        },
        more=more,
    )


def _inventory(
    level1: Level1Map, inversion_id: str, created: datetime, n_frames: int
) -> dict[str, Any]:
    """The record of the inversion, with the keys of DKIST's own records."""
    record = level1.inventory
    return {
        "inversionId": inversion_id,
        "created": created.strftime("%Y-%m-%dT%H:%M:%S"),
        "proposalId": record["primaryProposalId"],
        "instrumentProgramExecutionId": record["instrumentProgramExecutionId"],
        "canonicalDataset": record["datasetId"],
        "datasetIds": [record["datasetId"]],
        "spectralLines": [SPECTRAL_LINE],
        "wavelengths": [630.15],
        "frameCount": n_frames,
        "model": inversion_file.MODEL,
        "note": inversion_file.AZIMUTH_NOTE,
    }
