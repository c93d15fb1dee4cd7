"""Python code in a process of its own: a library that does not work may end its process."""

from __future__ import annotations

import sys

from cvzmpi.mpi.launcher import without_launcher
from cvzmpi.other_program import output_of

SECONDS = 60.0
"""Seconds that such a process may take; on a network file system, libraries load slowly."""

# MPI libraries end a process in which they cannot start, and h5py may import mpi4py.
_WITHOUT_MPI = "from cvzmpi.mpi.library import keep_mpi_from_starting as keep\nkeep()\n"


def printed_by(code: str, *arguments: str) -> str:
    """Run code as a process that is no rank and does not start MPI, and give what it prints.

    Raises
    ------
    ProgramError
        The message is the exception that the code raised.
    """
    command = [sys.executable, "-c", _WITHOUT_MPI + code, *arguments]
    return output_of(command, SECONDS, without_launcher()).strip()
