"""A Level 2 product that passed the check, and the error of one that did not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cvzmpi.errors import CvzmpiError

INVERSION_ID = re.compile(r"inv\.[A-Z0-9]{6}")


class ProductError(CvzmpiError):
    """A file of a Level 2 product is missing, or does not hold what it must."""


@dataclass(frozen=True)
class CheckedProduct:
    """A product that passed the check."""

    inversion_id: str
    dataset_ids: list[str]  # the datasets that were inverted
    shape: list[int]  # scan positions, and pixels along the slit
    # `quantities`, `lines`: the names of its maps, and the lines of its profiles
    quantities: list[str]
    lines: list[str]
    asdf: str
    checksums: dict[str, str]  # SHA-256 of each file, by its path; the FITS files come first
