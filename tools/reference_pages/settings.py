"""The page of the settings: name, default, unit, meaning, and whether each may change later."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from cvzmpi.config import Section
from cvzmpi.cvz.configuration import Config
from cvzmpi.level2.configuration import Level2Config
from tools.reference_pages.markdown import heading, table

_UNIT = re.compile(
    r"\b(bytes per second|seconds|minutes|days|GB|MB|cadences|flux errors|requests|"
    r"TESS magnitude)\b"
)
_SHORT = {
    "seconds": "s",
    "minutes": "min",
    "days": "d",
    "bytes per second": "bytes/s",
    "requests": "1/s",
    "TESS magnitude": "mag",
}
_COLUMNS = ("setting", "default and unit", "meaning", "may change")


def settings_page() -> str:
    """The settings of both campaigns."""
    fixed = Config().science().keys()
    parts = [
        heading(2, "Light curves"),
        *_sections(Config(), fixed),
        heading(2, "Level 2"),
        *_sections(Level2Config(), _fixed_of_level2()),
    ]
    return "\n\n".join(parts) + "\n"


def _fixed_of_level2() -> Collection[str]:
    """The settings that a begun inversion keeps."""
    fields = type(Level2Config().inversion).model_fields
    return {f"inversion.{name}" for name in fields}


def _sections(config: Section, fixed: Collection[str]) -> list[str]:
    """A table of the settings without a section, then one for each section."""
    parts = [_table(config, "", fixed)]
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, Section):
            about = (type(section).__doc__ or "").strip().partition("\n\n")
            parts += [heading(3, f"`[{name}]`"), " ".join(about[0].split())]
            parts += [" ".join(about[2].split())] if about[2] else []
            parts.append(_table(section, f"{name}.", fixed))
    return [part for part in parts if part]


def _table(section: Section, prefix: str, fixed: Collection[str]) -> str:
    rows = [
        (
            f"`{prefix}{name}`",
            f"{_default(getattr(section, name))} {_unit(field)}",
            field.description or "",
            "no" if prefix + name in fixed else "yes",
        )
        for name, field in type(section).model_fields.items()
        if not isinstance(getattr(section, name), Section)
    ]
    return table(_COLUMNS, rows) if rows else ""


def _default(value: Any) -> str:
    """A default as it stands in a TOML file."""
    if value is None:
        return "none"
    return f"`{json.dumps(str(value) if isinstance(value, Path) else value)}`"


def _unit(field: FieldInfo) -> str:
    """The unit of a number, which its description names."""
    types = {field.annotation, *get_args(field.annotation)}
    found = _UNIT.search(field.description or "")
    if found is None or not types & {int, float} or bool in types:
        return ""
    return _SHORT.get(found[1], found[1])
