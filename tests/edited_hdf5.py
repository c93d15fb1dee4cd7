"""HDF5 files that were changed on purpose, and have the checksum of their new structure."""

from contextlib import contextmanager

import h5py

from cvzmpi.storage.structure_checksum import write_record


@contextmanager
def edited(path):
    """Open a file for writing; at the end its structure checksum is that of what is there then."""
    with h5py.File(path, "r+") as file:
        yield file
    write_record(path)
