"""The Level 2 product of a map that was inverted here."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from cvzmpi.errors import MapFileError
from cvzmpi.level2.inversion import inversion_file
from cvzmpi.level2.maps.level1 import Level1Map, read_level1
from cvzmpi.level2.maps.prepared_map import PreparedMap
from cvzmpi.level2.product import product_writer
from cvzmpi.level2.product.inverted_map_source import InvertedMapSource
from cvzmpi.level2.product.product_writer import Product
from cvzmpi.level2.settings import DisambiguationChoice

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
        The finished inverted map.
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
        If the inverted map is not finished or is of other data, or a file cannot be written.
    """
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
    method = None if disambiguation == "none" else disambiguation
    source = InvertedMapSource(level1, prepared, inverted, method)
    if (attempt := source.disambiguation) is not None and attempt.resolved is None:
        _LOGGER.warning("%s: the azimuth is not resolved: %s", inverted_path, attempt.reason)
    return product_writer.write_product(source, directory, inversion_id, created)


def _check_same_map(level1: Level1Map, prepared: PreparedMap) -> None:
    dataset, made_from = level1.inventory["datasetId"], prepared.record["dataset"]
    if dataset != made_from:
        raise MapFileError(f"{prepared.path}: prepared from {made_from}, not from {dataset}")
