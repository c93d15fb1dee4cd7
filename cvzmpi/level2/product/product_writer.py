"""The writer of a Level 2 product: its FITS files and one ASDF file, in a directory."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from astropy.time import Time

from cvzmpi.errors import MapFileError
from cvzmpi.level2.maps.map_file import writing
from cvzmpi.level2.product.checked_product import INVERSION_ID
from cvzmpi.level2.product.extensions import IONS
from cvzmpi.level2.product.files import level2_asdf, level2_fits
from cvzmpi.level2.product.files.cubes import Cube, cubes_of
from cvzmpi.level2.product.files.file_names import asdf_name, earlier_asdf_names, fits_name
from cvzmpi.level2.product.files.header_table import HeaderTable
from cvzmpi.level2.product.files.level2_asdf import Description
from cvzmpi.level2.product.files.level2_fits import Frame
from cvzmpi.level2.product.files.level2_gwcs import Level1Coordinates
from cvzmpi.level2.product.files.primary_header import About, iso
from cvzmpi.level2.product.product_source import ProductSource
from cvzmpi.storage.whole_file import write_whole


@dataclass(frozen=True)
class Product:
    """The files that were written."""

    inversion_id: str
    directory: Path
    asdf: Path
    fits: tuple[Path, ...]
    inventory: dict[str, Any]  # the record of the inversion in the ASDF file


@dataclass(frozen=True)
class _Layout:
    """The extensions of all FITS files of a product, as the first scan position has them."""

    cubes: list[Cube]
    wavelengths: Mapping[str, np.ndarray]


def write_product(
    source: ProductSource, directory: Path, inversion_id: str, created: datetime
) -> Product:
    """Write the Level 2 files of an inversion; repeated, it writes the same files.

    One scan position is in memory at a time. A file is complete when it gets its name, and one that
    is there and whole is not made again: a write that was killed goes on where it was. The ASDF
    file is the last.

    Parameters
    ----------
    directory : Path
        Directory of the files; made if needed.
    inversion_id : str
        `inv.` and six of A-Z and 0-9.
    created : datetime
        The time in the files, in UTC.

    Raises
    ------
    Level1Error
        If the headers of Level 1 do not tell place and time.
    MapFileError
        If the source contradicts itself, or a file cannot be written.
    CvzmpiError
        If the source cannot be read.
    """
    if not INVERSION_ID.fullmatch(inversion_id):
        raise MapFileError(f"{inversion_id}: expected inv. and six of A-Z and 0-9")
    about = About(inversion_id, created, source.model, source.commit, source.notes, source.cards)
    layout = _layout(source)
    level1 = source.level1.headers()[: source.n_steps]
    names = [fits_name(inversion_id, header) for header in level1]
    _check_distinct(names)
    tables = [HeaderTable() for _ in range(level2_fits.FIRST_EXTENSION + len(layout.cubes))]
    for step, header in enumerate(level1):
        frame = Frame(about, header, source.slit, source.log_tau, layout.wavelengths)
        if step == 0:
            _check_fit(source, frame, layout.cubes)
        path = directory / names[step]
        headers = level2_fits.headers_if_whole(path, frame, layout.cubes)
        if headers is None:
            headers = _write_fits(source, step, frame, layout, path)
        for table, row in zip(tables, headers, strict=True):
            table.add(row)
    inventory = _inventory(source, about, layout)
    asdf = directory / asdf_name(inversion_id)
    description = Description(
        inventory={**inventory, "created": Time(created.replace(tzinfo=None), scale="utc")},
        file_names=names,
        cubes=layout.cubes,
        headers=[table.table() for table in tables],
        level1=Level1Coordinates(source.level1.wcs, source.level1.map_number, source.slit),
        log_tau=source.log_tau,
        wavelengths=layout.wavelengths,
    )
    _write_asdf(asdf, level2_asdf.build(description, directory), inversion_id)
    fits = tuple(directory / name for name in names)
    return Product(inversion_id, directory, asdf, fits, inventory)


def _layout(source: ProductSource) -> _Layout:
    """The layout, from the first scan position."""
    if not 1 <= source.n_steps <= source.level1.n_steps:
        raise MapFileError(f"{source.n_steps} scan positions: Level 1 has {source.level1.n_steps}")
    position = source.position(0)
    cubes = [cube for cube, _ in cubes_of(position)]
    if not any(cube.group == "quantities" for cube in cubes):
        raise MapFileError("no quantity: expected at least one")
    wavelengths = {found.line: found.wavelength for found in position.profiles}
    return _Layout(cubes, wavelengths)


def _check_fit(source: ProductSource, frame: Frame, cubes: Sequence[Cube]) -> None:
    """Check that the results have the shapes that they say, and are within Level 1."""
    n_slit, slit = cubes[0].shape[1], source.slit
    level2_fits.check_shapes(frame, cubes, n_slit)
    if slit.first < 0 or slit.first + n_slit * slit.n_binned > source.level1.n_slit:
        raise MapFileError(
            f"{n_slit} pixels of {slit.n_binned} each, from {slit.first} on: "
            f"Level 1 has {source.level1.n_slit} along the slit"
        )


def _check_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise MapFileError(f"{twice}: two scan positions begin at the same time")


def _write_fits(
    source: ProductSource, step: int, frame: Frame, layout: _Layout, path: Path
) -> list[dict[str, Any]]:
    """Write the file of a scan position; its headers."""
    contents = cubes_of(source.position(step))
    if [cube for cube, _ in contents] != layout.cubes:
        raise MapFileError(f"{path.name}: results differ in kind or shape from the first ones")
    units = level2_fits.build(frame, contents)
    buffer = io.BytesIO()
    units.writeto(buffer)
    with writing(path):
        write_whole(path, buffer.getbuffer())
    return level2_fits.headers_of(units)


def _write_asdf(path: Path, content: bytes, inversion_id: str) -> None:
    """Write the ASDF file, and remove one that an earlier version wrote under another name."""
    with writing(path):
        if not (path.is_file() and path.read_bytes() == content):
            write_whole(path, content)
        for earlier in path.parent.glob(earlier_asdf_names(inversion_id)):
            earlier.unlink()


def _inventory(source: ProductSource, about: About, layout: _Layout) -> dict[str, Any]:
    """The record of the inversion: the keys of DKIST's own records, then ours."""
    record = source.level1.inventory
    return {
        "inversionId": about.inversion_id,
        "created": iso(about.created),
        "proposalId": record["primaryProposalId"],
        "canonicalDataset": record["datasetId"],
        "datasetIds": list(source.dataset_ids),
        "spectralLines": list(layout.wavelengths),
        "wavelengths": [IONS[line].wavelength for line in layout.wavelengths],
        "frameCount": source.n_steps,
        "instrumentProgramExecutionId": record["instrumentProgramExecutionId"],
        "model": source.model,
        **({} if source.commit is None else {"inversionVersion": source.commit}),
        "note": " ".join(source.notes),
    }
