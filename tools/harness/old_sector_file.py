"""Sector files as earlier versions of cvzmpi wrote them, without a checksum over the structure."""

from __future__ import annotations

import struct

from cvzmpi.storage.structure_checksum import USER_BLOCK

_BASE_ADDRESS, _END_ADDRESS = 24, 40
"""Where they are in version 0 of HDF5's superblock; other addresses are relative to the base."""


def without_record(content: bytes) -> bytes:
    """The bytes of a file without the user block, and so without the checksum that is in it."""
    old = bytearray(content[USER_BLOCK:])
    (base,) = struct.unpack_from("<Q", old, _BASE_ADDRESS)
    assert base == USER_BLOCK, "it begins with a user block"
    (end,) = struct.unpack_from("<Q", old, _END_ADDRESS)
    struct.pack_into("<Q", old, _BASE_ADDRESS, 0)
    struct.pack_into("<Q", old, _END_ADDRESS, end - base)
    return bytes(old)
