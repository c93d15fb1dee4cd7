"""The names of a product's files, and the identifier of each FITS file."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cvzmpi.errors import Level1Error

_NAMESPACE = "https://docs.dkist.nso.edu"


def directory_name(inversion_id: str) -> str:
    """The name of the directory of a published product, as `inv_PUYATW`: DKIST's own name."""
    return inversion_id.replace(".", "_")


def fits_name(inversion_id: str, header: Mapping[str, Any]) -> str:
    """The name of the FITS file of a scan position, with a time of fixed width.

    Parameters
    ----------
    inversion_id : str
        As `inv.PUYATW`.
    header : mapping
        With DATE-BEG.
    """
    begin = begin_of(header)
    stamp = begin.strftime("%Y_%m_%dT%H_%M_%S_") + f"{begin.microsecond // 1000:03d}"
    return f"{_stem(inversion_id)}_{stamp}_L2.fits"


def asdf_name(inversion_id: str) -> str:
    """The name of the ASDF file, as `INV_PUYATW_L2_metadata.asdf`: DKIST's own name for it."""
    return f"{_stem(inversion_id)}_L2_metadata.asdf"


def earlier_asdf_names(inversion_id: str) -> str:
    """A pattern of the names that earlier versions gave the ASDF file, with a time in them."""
    return f"INV_L2_*_{inversion_id.removeprefix('inv.')}_metadata.asdf"


def file_id(inversion_id: str, name: str) -> str:
    """FILE_ID: a UUID that is always the same for a file of an inversion."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_NAMESPACE}/{inversion_id}/{name}"))


def begin_of(header: Mapping[str, Any]) -> datetime:
    """The beginning of a scan position: DATE-BEG of its header.

    Raises
    ------
    Level1Error
        If it is no time.
    """
    text = str(header["DATE-BEG"])
    try:
        return datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as error:
        raise Level1Error(f"DATE-BEG = {text!r}: expected a time as ISO text") from error


def _stem(inversion_id: str) -> str:
    return inversion_id.upper().replace(".", "_")
