"""The Level 2 product of a DeSIRe inversion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from cvzmpi.level2.desire.files import DesireFiles
from cvzmpi.level2.desire.source import DesireSource
from cvzmpi.level2.product.product_writer import Product, write_product


def write(
    files: DesireFiles,
    level1: Mapping[str, Path],
    directory: Path,
    inversion_id: str,
    created: datetime,
    commit: str | None,
) -> Product:
    """Write the product; a file of it that is there and whole stays as it is.

    Parameters
    ----------
    files : DesireFiles
        They passed the check.
    level1 : mapping of Path
        Directories of the program's Level 1 datasets that are here, by dataset id.
    directory : Path
        Directory of the product; made if needed.
    inversion_id : str
        `inv.` and six of A-Z and 0-9.
    created : datetime
        The time in the files, in UTC.
    commit : str or None
        The version of the inversion code.

    Raises
    ------
    ProductError
        If the files do not fit each other or Level 1 any more.
    CvzmpiError
        If the product cannot be written.
    """
    source = DesireSource.open(files, level1, commit)
    return write_product(source, directory, inversion_id, created)
