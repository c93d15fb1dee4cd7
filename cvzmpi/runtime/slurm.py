"""The queue Slurm, as far as it is found on this machine."""

from __future__ import annotations

import shutil

from cvzmpi.errors import UnavailableError
from cvzmpi.other_program import ProgramError, output_of

_ANSWERS_WITHIN = 10.0  # seconds


class NoAnswerError(UnavailableError):
    """Slurm is installed here, and its controller does not answer."""


def has_slurm() -> bool:
    """True if jobs are submitted with `sbatch` here."""
    return shutil.which("sbatch") is not None


def partitions() -> list[str]:
    """The names of the partitions.

    Raises
    ------
    NoAnswerError
    """
    try:
        names = output_of(["sinfo", "--noheader", "--format=%R"], _ANSWERS_WITHIN)
    except ProgramError as error:
        raise NoAnswerError(str(error)) from error
    return list(dict.fromkeys(names.split()))
