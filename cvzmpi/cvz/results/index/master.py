"""The master file: one HDF5 file through which `/{tic}/{sector}` opens any sector file.

It has only links, relative to where it is itself, so a campaign can be moved with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import h5py

from cvzmpi.storage.hdf5_file import NotOpenedError, ensure_sound
from cvzmpi.storage.structure_checksum import new_in_memory, whole_image
from cvzmpi.storage.whole_file import write_derived

_DIGEST = "digest"


def write_master(path: Path, links: Iterable[tuple[int, int, str]], digest: str) -> None:
    """Write the master file anew.

    Parameters
    ----------
    path : Path
    links : iterable of (tic, sector, path of the sector file)
        Relative to the directory of the master file; all sectors of a target after one another.
    digest : str
        Digest of the parts of the index that the links are from.

    Raises
    ------
    SectorFileError
        If it cannot be written; the one that was there is left as it is.
    """
    with new_in_memory() as file:
        file.attrs["format"] = "cvzmpi master file"
        file.attrs[_DIGEST] = digest
        last: int | None = None
        group: Any = None
        for tic, sector, target in links:
            if tic != last:
                # HDF5's own calls: with h5py's, 200,000 links take half a minute.
                last, group = tic, h5py.h5g.create(file.id, str(tic).encode())
            group.links.create_external(str(sector).encode(), target.encode(), b"/")
        write_derived(path, whole_image(file))


def digest_of_master(path: Path) -> str | None:
    """The digest that a master file was written with; None where there is none, or it is torn."""
    try:
        ensure_sound(path)
        with h5py.File(path, "r", locking=False) as file:
            return file.attrs.get(_DIGEST)
    except (OSError, NotOpenedError):
        return None
