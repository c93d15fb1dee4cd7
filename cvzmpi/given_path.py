"""The paths that people give: as arguments, and in a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

_MAX_NAME = 255  # bytes that file systems allow
_MAX_PATH = 4095
_SHOWN = 60


def why_not_path(path: Path) -> str | None:
    """Why nothing can be called like this, or be written down under it; None where it can."""
    text = str(path)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        return f"{text!a} is no path, expected characters of UTF-8 without NUL"
    return why_too_long(path)


def why_too_long(path: Path) -> str | None:
    """Why a path has more bytes than file systems allow; None where it has not."""
    names = [len(name.encode("utf-8", "surrogatepass")) for name in path.parts]
    if max(names, default=0) <= _MAX_NAME and sum(names) + len(names) <= _MAX_PATH:
        return None
    short = f"{str(path)[:_SHOWN]}..."
    return f"{short!r} is no path, expected names of at most {_MAX_NAME} bytes"


class _GivenPath(click.Path):
    """A path as an argument, which may be of any bytes, as the shell has it, but not too long."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The path, or one line that says what is wrong with it."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if (wrong := why_too_long(path)) is not None:
            self.fail(wrong, param, ctx)
        return path


GIVEN_PATH = _GivenPath(path_type=Path)
"""The type of an argument that is a path."""
