"""Sector files as earlier versions of cvzmpi wrote them.

Those of format version 1 are of light curves that were searched by stella alone. The first of them
have no checksum over the structure.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from cvzmpi.cvz.configuration import as_in_version_1
from cvzmpi.cvz.sector_file import writing
from cvzmpi.cvz.sector_file.data import Provenance, SectorData
from cvzmpi.cvz.sector_file.layout import FLARES_OF_VERSION_1, WRITTEN_IN_PLACE
from cvzmpi.storage.structure_checksum import USER_BLOCK

_BASE_ADDRESS, _END_ADDRESS = 24, 40
"""Where they are in version 0 of HDF5's superblock; other addresses are relative to the base."""


def write_version_1(path: Path, data: SectorData, provenance: Provenance) -> None:
    """Write a file of format version 1 with as much of the data as that holds."""
    flares = data.flares
    if flares is not None:
        flares = {name: flares[now] for name, now in FLARES_OF_VERSION_1.items()}
    data = replace(data, flares=flares, significance=None)
    provenance = replace(provenance, config_json=as_in_version_1(provenance.config_json))
    in_place = tuple(n for n in WRITTEN_IN_PLACE if n != "recoveries/recovered_significance")
    with patch.multiple(writing, FORMAT_VERSION=1, WRITTEN_IN_PLACE=in_place):
        writing.write_sector_file(path, data, provenance)


def without_record(content: bytes) -> bytes:
    """The bytes of a file without the user block, and so without the checksum that is in it."""
    old = bytearray(content[USER_BLOCK:])
    (base,) = struct.unpack_from("<Q", old, _BASE_ADDRESS)
    assert base == USER_BLOCK, "it begins with a user block"
    (end,) = struct.unpack_from("<Q", old, _END_ADDRESS)
    struct.pack_into("<Q", old, _BASE_ADDRESS, 0)
    struct.pack_into("<Q", old, _END_ADDRESS, end - base)
    return bytes(old)
