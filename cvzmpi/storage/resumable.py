"""Checks before a job goes on with a file that another one began."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.config import differences
from cvzmpi.errors import CvzmpiError


def check_same_configuration(
    path: Path, ours: str, theirs: str, refused: type[CvzmpiError]
) -> None:
    """Refuse to go on with a file that another configuration made.

    Parameters
    ----------
    ours, theirs : str
        The settings that results depend on, now and in the file, as canonical JSON: see
        `config.differences`.
    refused : type of CvzmpiError
        What is raised, with the differences.
    """
    if ours != theirs:
        raise refused(
            f"{path}: made with another configuration ({'; '.join(differences(ours, theirs))}); "
            "go back to it, or use another output directory"
        )


def check_same_data(
    path: Path, what: str, ours: str, theirs: str, refused: type[CvzmpiError]
) -> None:
    """Refuse to go on with a file that was made from other data.

    Parameters
    ----------
    what : str
        What the data are called, in the plural.
    ours, theirs : str
        The checksum of the data, now and in the file.
    refused : type of CvzmpiError
        What is raised.
    """
    if ours != theirs:
        raise refused(
            f"{path}: made with other {what} ({theirs[:16]}..., now {ours[:16]}...); "
            "use another output directory"
        )
