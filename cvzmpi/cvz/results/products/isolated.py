"""One light curve stops no other: an error in its file becomes one line, and the others go on.

Everything that is made of many sector files (tables, pages, pictures) does its work on each file
within `isolated`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cvzmpi.errors import (
    ConfigError,
    CvzmpiError,
    SectorFileError,
    UnfinishedFileError,
    defect_line,
    one_line,
)

T = TypeVar("T")


@dataclass(frozen=True)
class LeftOut:
    """A sector file that is not in a product: one line that names the file and says why.

    It is `unfinished` if it is sound, and only not far enough yet: no failure.
    """

    line: str
    unfinished: bool = False


def isolated(path: Path, work: Callable[[], T]) -> T | LeftOut:
    """Work on a sector file; any error of its content costs this file only.

    Parameters
    ----------
    path : Path
        The file, or what stands for several.
    work : callable
        Must only read, compute and draw: what cannot be *written* is not the file's fault.

    Raises
    ------
    ConfigError
        As `work` raised it: the same for all files.
    """
    try:
        return work()
    except ConfigError:
        raise
    except CvzmpiError as error:
        line, unfinished = one_line(error), isinstance(error, UnfinishedFileError)
    except Exception as error:
        line, unfinished = defect_line(error), False
    return LeftOut(line if str(path) in line else f"{path}: {line}", unfinished)


def or_refused(path: Path, work: Callable[[], T]) -> T:
    """Work on the one sector file that was asked for.

    Raises
    ------
    SectorFileError
        In one line, for whatever `work` raised but a `ConfigError`.
    """
    result = isolated(path, work)
    if isinstance(result, LeftOut):
        raise SectorFileError(result.line)
    return result
