"""The sources of light curves, and files or targets that are none."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from cvzmpi.cvz.light_curves.fits_header import Headers
from cvzmpi.cvz.light_curves.identity import LightCurveId
from cvzmpi.cvz.light_curves.product import Product


@dataclass(frozen=True)
class LightCurveSource:
    """A light curve and where it comes from; the content of its unit, from rank 0 to the team."""

    id: LightCurveId
    path: Path | None = None  # its FITS file; None where that is gone, or not there yet
    # further files of the same light curve, the best first: one is read where `path` is damaged
    others: tuple[PassedOver, ...] = ()
    # files of the same target and sector by products that are not as good: they are not read
    other_products: tuple[PassedOver, ...] = ()
    product: Product | None = None  # its name in the archive, where it comes from there
    # where there are others, all of them, so that their headers need not be read again
    files: tuple[InputFile, ...] = ()

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """All files of the target and sector but the one that is taken."""
        return self.others + self.other_products

    @property
    def file_status(self) -> os.stat_result | None:
        """What the system says of its FITS file; None where that is gone."""
        try:
            return None if self.path is None else self.path.stat()
        except OSError:
            return None


@dataclass(frozen=True)
class InputFile:
    """A file with a light curve in it, and what its headers say.

    They are not read again as long as the file has its size and its time: the ledger keeps this.
    """

    path: Path
    n_bytes: int
    id: LightCurveId
    end_of_table: int | None = None  # bytes of a whole file; None where nobody asked
    processing: tuple[Any, ...] | None = None  # as of `Headers`; None where nobody asked
    processing_name: str = ""
    mtime_ns: int | None = None  # when it was changed last; None in ledgers of earlier versions

    def is_as_of(self, mtime_ns: int) -> bool:
        """True if it was not changed since, as far as that is known."""
        return self.mtime_ns in (None, mtime_ns)

    def with_processing(self, headers: Headers) -> InputFile:
        """The same, with what its headers say of its processing."""
        return replace(
            self,
            end_of_table=headers.end_of_table,
            processing=headers.processing,
            processing_name=headers.processing_name,
        )

    def as_fact(self) -> dict[str, object]:
        """It as a fact of a unit in the ledger."""
        fact: dict[str, object] = {
            "file": str(self.path),
            "bytes": self.n_bytes,
            "unit": self.id.name,
            "end": self.end_of_table,
        }
        if self.mtime_ns is not None:
            fact["mtime_ns"] = self.mtime_ns
        if self.processing is not None:
            fact |= {"processing": self.processing, "processed": self.processing_name}
        return fact

    @classmethod
    def of_fact(cls, fact: Mapping[str, Any]) -> InputFile | None:
        """Read it from such a fact; None where that is of another version."""
        values = values_of_fact(fact)
        return None if values is None else cls(Path(values[0]), *values[1:])


def values_of_fact(
    fact: Mapping[str, Any],
) -> tuple[str, int, LightCurveId, int | None, tuple[Any, ...] | None, str, int | None] | None:
    """The values of an `InputFile` in its fact, the path as text: a `Path` takes long to make."""
    try:
        light_curve = LightCurveId.parse(fact["unit"])
        processing = fact.get("processing")
        if processing is not None:
            numbers, *rest = processing
            processing = (tuple(numbers), *rest)
        path, n_bytes, end = str(fact["file"]), int(fact["bytes"]), fact["end"]
        end = None if end is None else int(end)
        mtime_ns = None if (at := fact.get("mtime_ns")) is None else int(at)
    except (KeyError, TypeError, ValueError):
        return None
    if light_curve is None:
        return None
    return path, n_bytes, light_curve, end, processing, fact.get("processed", ""), mtime_ns


class Known(Protocol):
    """Files with light curves that were found before."""

    def get(self, key: tuple[str, int], /) -> InputFile | None:
        """The file of a path and a size in bytes; None where there is none."""


@dataclass(frozen=True)
class PassedOver:
    """A file of a light curve that has a better one, and why that is better."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True)
class Rejected:
    """A file or target that cannot become a unit, and why."""

    name: str
    message: str
