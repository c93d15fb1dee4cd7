"""Paths that are given as arguments or in a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

_MAX_NAME = 255  # bytes that file systems allow
_MAX_PATH = 4095
_SHOWN = 60


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


class _GivenPath(click.Path):
    """A path as an argument: any bytes that the shell passes on, but not too many."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """The path; fails with a line that names the fault."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if (wrong := why_too_long(path)) is not None:
            self.fail(wrong, param, ctx)
        return path


GIVEN_PATH = _GivenPath(path_type=Path)
"""The type of an argument that is a path."""
