"""The Level 2 product of a map that was inverted here."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import calcium_file, inversion_file
from cvzmpi.level2.inversion.calcium_file import CalciumMap
from cvzmpi.level2.inversion.inversion_file import InvertedMap
from cvzmpi.level2.maps.level1 import Level1Map, read_level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product import product_writer
from cvzmpi.level2.product.calcium_source import CalciumSource
from cvzmpi.level2.product.inverted_map_source import InvertedMapSource
from cvzmpi.level2.product.product_source import ProductSource
from cvzmpi.level2.product.product_writer import Product
from cvzmpi.level2.settings import DisambiguationChoice
from cvzmpi.level2.spectroscopy.line_table import recorded_lines

_IRON_LINES = (630.0, 630.4)  # nm

_LOGGER = logging.getLogger(__name__)


def write_product(
    level1_directory: Path,
    prepared: PreparedMap,
    inverted_path: Path,
    directory: Path,
    inversion_id: str,
    created: datetime,
    disambiguation: DisambiguationChoice = "none",
) -> Product:
    """Write the Level 2 files of a map; repeated, it writes the same files.

    Parameters
    ----------
    level1_directory : Path
        The dataset that the map was prepared from; only its ASDF file is needed.
    inverted_path : Path
        The finished inverted map, or map of Ca II 854.2 nm.
    directory : Path
        Directory of the files; made if needed.
    inversion_id : str
        `inv.` and six of A-Z and 0-9.
    created : datetime
        The time in the files, in UTC.
    disambiguation : str
        The method that resolves the 180-degree ambiguity of the azimuth. Where it cannot, a line
        is logged, and the product says so.

    Raises
    ------
    Level1Error
        If the dataset cannot be read.
    MapFileError
        If the inverted map is not finished, is of other data or of lines that products do not
        name, or a file cannot be written.
    """
    inverted: CalciumMap | InvertedMap
    if calcium_file.is_calcium(inverted_path):
        inverted = calcium_file.read(inverted_path)
    else:
        inverted = inversion_file.read(inverted_path)
    if inverted.origin.prepared_checksum != prepared.checksum:
        raise MapFileError(f"{inverted_path}: not inverted from {prepared.path}")
    prepared.verify()
    if "dataset" not in prepared.record:
        raise MapFileError(
            f"{prepared.path}: prepared from no Level 1 dataset, as simulated maps: a product has "
            "its headers and coordinates; `cvzmpi level2 plot` draws the map"
        )
    level1 = read_level1(level1_directory, int(prepared.record["map"]), files_needed=False)
    _check_same_map(level1, prepared)
    source: ProductSource
    if isinstance(inverted, CalciumMap):
        source = CalciumSource(level1, prepared, inverted)
    else:
        _check_lines(inverted_path, inverted)
        method = None if disambiguation == "none" else disambiguation
        source = of_map = InvertedMapSource(level1, prepared, inverted, method)
        if (attempt := of_map.disambiguation) is not None and attempt.resolved is None:
            _LOGGER.warning("%s: the azimuth is not resolved: %s", inverted_path, attempt.reason)
    return product_writer.write_product(source, directory, inversion_id, created)


def _check_same_map(level1: Level1Map, prepared: PreparedMap) -> None:
    dataset, made_from = level1.inventory["datasetId"], prepared.record["dataset"]
    if dataset != made_from:
        raise MapFileError(f"{prepared.path}: prepared from {made_from}, not from {dataset}")


def _check_lines(path: Path, inverted: InvertedMap) -> None:
    """Refuse lines of a table whose profiles Level 2 files have no name for."""
    first, last = _IRON_LINES
    for line in recorded_lines(json.loads(inverted.origin.settings_json)):
        if not first < line.wavelength < last:
            raise MapFileError(
                f"{path}: inverted with a line at {line.wavelength} nm: a product has profiles of "
                f"Fe I 630 nm, expected lines from {first} to {last} nm"
            )
