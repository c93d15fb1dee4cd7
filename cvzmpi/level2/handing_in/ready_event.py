"""Ready events: what the science team says of a result, on the command line or in a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.person_name import PersonNameError, person_name
from cvzmpi.messages.foreign_json import ForeignJsonError, parse, plain, why_not_text
from cvzmpi.regular_file import UnreadableFileError, read_bounded

MAX_BYTES = 1 << 20
"""Bytes of a ready event."""

_MAX_FILES = 10_000


class HandInError(CvzmpiError):
    """A result cannot be accepted."""


def _text(text: str) -> str:
    if (wrong := why_not_text(text)) is not None:
        raise ValueError(wrong)
    return text


def _path(path: Path) -> Path:
    _text(str(path))
    return path


def _person(name: str) -> str:
    try:
        return person_name(name)
    except PersonNameError as error:
        raise ValueError(str(error)) from error


class ReadyEvent(BaseModel):
    """The message of the science team that a result is ready; also the content of the JSON file.

    Parameters
    ----------
    program : str
        The Observing Program.
    files : list of Path
        The files of a Level 2 product, as `product.check` describes it, or the three files of a
        DeSIRe inversion (`desire.files`); or the directory with them.
    commit : str
        The version of the software that made them.
    by : str, optional
        The person who made them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    program: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_text)]
    files: Annotated[
        list[Annotated[Path, AfterValidator(_path)]], Field(min_length=1, max_length=_MAX_FILES)
    ]
    commit: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]+$", max_length=200)]
    by: Annotated[str, AfterValidator(_person)] | None = None

    @classmethod
    def read(cls, path: Path) -> ReadyEvent:
        """Read a JSON file; paths in it are relative to its directory.

        Raises
        ------
        HandInError
        """
        where = plain(str(path))
        try:
            content = parse(read_bounded(path, MAX_BYTES))
        except UnreadableFileError as error:
            raise HandInError(f"{where}: {error}") from error
        except ForeignJsonError as error:
            raise HandInError(f"{where}: no JSON: {error}") from error
        return cls.of(content, path.parent, f"{where}: ")

    @classmethod
    def of(cls, content: Any, directory: Path, where: str = "") -> ReadyEvent:
        """Validate the content of an event; relative paths are from a directory.

        Raises
        ------
        HandInError
        """
        try:
            event = cls.model_validate(content)
        except ValidationError as error:
            first = error.errors()[0]
            place = plain(".".join(str(part) for part in first["loc"]), 80) or "content"
            raise HandInError(f"{where}{place}: {plain(first['msg'], 200)}") from error
        files = [directory.absolute() / file for file in event.files]
        return event.model_copy(update={"files": files})

    def as_json(self) -> dict[str, Any]:
        """The fields but the program, as plain values for an event."""
        return {
            "files": [str(file) for file in self.files],
            "commit": self.commit,
            "by": self.by,
        }
