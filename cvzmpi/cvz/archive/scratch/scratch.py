"""Scratch: a light curve is there under its name only when it is whole and the right one.

The directory may vanish at any time, and processes die in the middle of a download. So a file is
written under another name and verified before it is renamed, and one that is found is verified
again: that a file exists is no proof of anything.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cvzmpi.cvz.archive.http.answers import Body, UnusableContentError, WrongProductError
from cvzmpi.cvz.light_curves.fits_input import check_whole, read_light_curve
from cvzmpi.cvz.light_curves.product import Product
from cvzmpi.errors import ArchiveError, LightCurveError, ScratchError, one_line
from cvzmpi.messages.redaction import redacted, shown_content

FITS_MAGIC = b"SIMPLE"
_SHOWN_BYTES = 40


@dataclass(frozen=True)
class StagedFile:
    """A verified light curve in scratch."""

    product: Product
    path: Path
    size: int  # bytes
    sha256: str
    usable_cadences: int  # their number, with the campaign's quality bitmask
    address: str = ""  # the source of the download; empty if the file was found in scratch

    def detail(self) -> dict[str, Any]:
        """The facts for the ledger."""
        detail = {
            "path": str(self.path),
            "size": self.size,
            "sha256": self.sha256,
            "usable_cadences": self.usable_cadences,
        }
        return detail | ({"address": redacted(self.address)} if self.address else {})


class Scratch:
    """The directory of the downloaded light curves.

    Parameters
    ----------
    quality_bitmask : int
        The bits of cadences that are not usable.
    """

    def __init__(self, directory: Path, quality_bitmask: int) -> None:
        self.directory = directory
        self._quality_bitmask = quality_bitmask

    def path(self, product: Product) -> Path:
        """The path of a product, also before it is there."""
        return self.directory / f"s{product.sector:04d}" / product.name

    def find(self, product: Product) -> StagedFile | None:
        """The product, if it is there and good; a bad file is removed."""
        path = self.path(product)
        if not path.exists():
            return None
        try:
            return self._verify(product, path, path)
        except (UnusableContentError, WrongProductError):
            self.remove(product)
            return None

    def receive(self, product: Product, body: Body, address: str) -> StagedFile:
        """Write, verify and keep the content of an address.

        Raises
        ------
        UnusableContentError
            If it is not FITS, or perhaps not the whole file; nothing of it is kept.
        WrongProductError
            If the archive has a file that is not good, or of another light curve.
        ScratchError
            If the file cannot be written.
        """
        with self._part(product) as part:
            size = _write(part, body)
            if body.length is not None and size != body.length:
                raise UnusableContentError(
                    f"{address}: {size} bytes came, {body.length} were announced"
                )
            try:
                return self.adopt(product, part, address)
            except WrongProductError as error:
                if body.length is not None:
                    raise
                # a connection that was cut looks the same
                raise UnusableContentError(str(error)) from error

    def adopt(self, product: Product, file: Path, address: str) -> StagedFile:
        """Verify and keep a file that is in scratch under another name."""
        staged = self._verify(product, file, address)
        path = self.path(product)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file.replace(path)
        except OSError as error:
            raise ScratchError(f"{path}: cannot be written: {one_line(error)}") from error
        return replace(staged, path=path, address=address)

    def products(self) -> Iterator[tuple[Product, int]]:
        """All light curves that are there, with their size in bytes."""
        for path in self.directory.glob("s*/*lc.fits"):
            try:
                yield Product.of_name(path.name), path.stat().st_size
            except (ArchiveError, FileNotFoundError):
                continue  # not of the archive; or another job removed it

    def remove(self, product: Product) -> None:
        """Remove a product, where it is there."""
        self.path(product).unlink(missing_ok=True)

    def remove_old_parts(self, seconds: float) -> None:
        """Remove the files of dead processes, to which nothing was written for so long."""
        for part in self.directory.glob("s*/.*.part"):
            try:
                if time.time() - part.stat().st_mtime > seconds:
                    part.unlink()
            except FileNotFoundError:
                continue  # another job did it

    @contextmanager
    def _part(self, product: Product) -> Iterator[Path]:
        """A path that no other thread, process or node uses; nothing stays there."""
        owner = f"{socket.gethostname()}-{os.getpid()}-{threading.get_native_id()}"
        path = self.path(product)
        part = path.with_name(f".{path.name}.{owner}.part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ScratchError(f"{part.parent}: cannot be made: {one_line(error)}") from error
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)

    def _verify(self, product: Product, path: Path, origin: Path | str) -> StagedFile:
        """Check that a file is whole, reads back, and is what its name says.

        The checksums in the headers do not help: the archive's files have no `DATASUM`, and the
        `CHECKSUM` of their tables is not what astropy computes for them.
        """
        _check_fits(path, origin)
        try:
            check_whole(path)
            light_curve = read_light_curve(path)
        except LightCurveError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise WrongProductError(f"{origin}: what came from there: {reason}") from error
        if light_curve.id != product.id:
            raise WrongProductError(
                f"{origin}: {light_curve.id} came from there, expected {product.id}"
            )
        return StagedFile(
            product=product,
            path=path,
            size=path.stat().st_size,
            sha256=str(light_curve.header["input_sha256"]),
            usable_cadences=int(light_curve.usable(self._quality_bitmask).sum()),
        )


def _check_fits(path: Path, origin: Path | str) -> None:
    """Refuse a web page, an empty file, and a compressed one."""
    try:
        with path.open("rb") as file:
            start = file.read(_SHOWN_BYTES)
    except OSError as error:
        raise ScratchError(f"{path}: cannot be read: {one_line(error)}") from error
    if not start.startswith(FITS_MAGIC):
        what = f"it begins with {shown_content(start)}" if start else "it is empty"
        raise UnusableContentError(f"{origin}: what came from there is not a FITS file: {what}")


def _write(part: Path, body: Body) -> int:
    """Write the content to a file, and return its number of bytes."""
    # The chunks are read outside of `try`, since their errors are not those of scratch.
    size = 0
    try:
        file = part.open("wb")
    except OSError as error:
        raise _no_writing(part, error) from error
    with file:
        for chunk in body.chunks:
            try:
                size += file.write(chunk)
            except OSError as error:
                raise _no_writing(part, error) from error
    return size


def _no_writing(part: Path, error: OSError) -> ScratchError:
    return ScratchError(f"{part.parent}: cannot be written to: {one_line(error)}")
