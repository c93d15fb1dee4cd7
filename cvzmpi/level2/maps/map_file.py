"""Reading and writing of the files of prepared and inverted maps.

The arrays of a map begin with two axes: the scan position of the slit, and the pixel along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from cvzmpi.errors import DamagedMapFileError, MachineError, MapFileError, one_line
from cvzmpi.mpi.machine_fault import is_machine_fault
from cvzmpi.storage.hdf5_file import check_format, opened_hdf5


@contextmanager
def opened(path: Path, format_name: str, format_version: int) -> Iterator[h5py.File]:
    """Open a map file for reading; all kinds of damage are one error.

    Raises
    ------
    DamagedMapFileError
        If the file is inconsistent or no HDF5.
    MapFileError
        If it is another kind of file, or the operating system does not let it be read.
    """
    with opened_hdf5(path, MapFileError, DamagedMapFileError) as file:
        check_format(path, file, format_name, format_version, MapFileError)
        yield file


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Take an error of the operating system in the context for one of the file.

    Raises
    ------
    MachineError
        If the machine is at fault: its disk is full.
    MapFileError
    """
    try:
        yield
    except OSError as error:
        kind = MachineError if is_machine_fault(error) else MapFileError
        raise kind(f"{path}: cannot be written: {one_line(error)}") from error
