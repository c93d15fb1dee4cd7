"""Paths that are given as arguments or in a configuration."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import click

from cvzmpi.errors import ConfigError

_MAX_NAME = 255  # bytes that file systems allow
_MAX_PATH = 4095
_SHOWN = 60
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)


def why_not_path(path: Path) -> str | None:
    """The reason why no file can have this path; None if one can."""
    text = str(path)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return f"{text!a} is no path, expected characters of UTF-8 without NUL"
    return why_too_long(path)


def why_too_long(path: Path) -> str | None:
    """A message if a path has more bytes than file systems allow; else None."""
    names = [len(name.encode("utf-8", "surrogatepass")) for name in path.parts]
    if max(names, default=0) <= _MAX_NAME and sum(names) + len(names) <= _MAX_PATH:
        return None
    short = f"{str(path)[:_SHOWN]}..."
    return f"{short!r} is no path, expected names of at most {_MAX_NAME} bytes"


def expanded(text: str, directory: Path = Path()) -> Path:
    """A path as it was written, with `~` and variables of the environment as `$NAME`, `${NAME}`.

    What is there under the path as it is written is meant, whatever its name has.

    Parameters
    ----------
    text : str
        The path.
    directory : Path
        The directory that it is relative to.

    Returns
    -------
    Path
        In `directory` where it is not absolute.

    Raises
    ------
    ValueError
        If a variable has no value, or `~` names nobody.
    """
    written = directory / text
    if not (text.startswith("~") or "$" in text) or _is_there(written):
        return written
    with_home = os.path.expanduser(text)
    if text.startswith("~") and with_home == text:
        raise ValueError(f"the home of {text.partition('/')[0]!r} is not known")
    return directory / _VARIABLE.sub(_value, with_home)


def expanded_argument(path: str | os.PathLike[str]) -> Path:
    """The same, of the argument of a function.

    Raises
    ------
    ConfigError
        If a variable has no value, or `~` names nobody.
    """
    try:
        return expanded(os.fspath(path))
    except ValueError as error:
        raise ConfigError(f"{os.fspath(path)}: {error}") from None


def _value(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if not os.environ.get(name):
        raise ValueError(f"the variable {name} is not set in the environment")
    return os.environ[name]


def _is_there(path: Path) -> bool:
    try:
        return os.path.lexists(path)
    except ValueError:  # no path at all; others say why
        return False


class _GivenPath(click.Path):
    """A path as an argument: any bytes that the shell passes on, but not too many."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The path with its variables; fails with a line that names the fault."""
        if value == "":  # it would be the working directory
            self.fail("it is empty, expected a path", param, ctx)
        text = os.fsdecode(super().convert(value, param, ctx))
        try:
            path = expanded(text)
        except ValueError as error:
            self.fail(f"{text}: {error}", param, ctx)
        if (wrong := why_too_long(path)) is not None:
            self.fail(wrong, param, ctx)
        return path


GIVEN_PATH = _GivenPath(path_type=Path)
"""The type of an argument that is a path."""
