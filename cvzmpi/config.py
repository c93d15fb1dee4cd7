"""The configuration of a campaign: one TOML file, validated before anything starts.

Every campaign has its own sections, with their defaults and meanings (`cvz.configuration`,
`level2.configuration`). This module serves all of them: it reads the file and the `--set key=value`
of the command line, explains mistakes, and prints the settings.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from cvzmpi.config_faults import explain
from cvzmpi.errors import ConfigError, one_line
from cvzmpi.given_path import expanded, why_not_path
from cvzmpi.messages.redaction import shown_url, url_fault
from cvzmpi.text_file import read_text

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_FILE = Path("cvzmpi.toml")

# The parser also raises these, for numbers of thousands of digits and brackets within brackets.
_BAD_TOML = (ValueError, RecursionError)

_KEY = re.compile(r"[\w.-]+", re.ASCII)


class Section(BaseModel):
    """Base of all sections: unknown keys are refused, types are not guessed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False
    )


AnySection = TypeVar("AnySection", bound=Section)


def _usable_path(path: Path) -> Path:
    if (wrong := why_not_path(path)) is not None:
        raise ValueError(wrong)
    return path


def _not_empty(value: Any) -> Any:
    """An empty path would be the working directory."""
    if value == "":
        raise ValueError("it is empty, expected a path")
    return value


FilePath = Annotated[
    Path,
    Field(strict=False),  # TOML has strings only
    BeforeValidator(_not_empty),
    AfterValidator(_usable_path),
]


def _clear_url(url: str) -> str:
    if "://" in url and (fault := url_fault(url)) is not None:
        raise ValueError(f"{shown_url(url)} {fault}")
    return url


Url = Annotated[str, AfterValidator(_clear_url)]
"""A URL, which may hold a password, and that all programs read in the same way."""


def named_or_default(file: Path | None) -> Path | None:
    """The configuration file that was named, or else ./cvzmpi.toml; None where that is not here."""
    if file is None and DEFAULT_FILE.exists():
        return DEFAULT_FILE
    return file


def load_as(
    model: type[AnySection],
    file: Path | None,
    overrides: Sequence[str] = (),
    values_by_key: Mapping[str, Any] | None = None,
) -> AnySection:
    """Read and validate a configuration.

    Paths in the file, and default ones, are relative to the directory of the file. They may begin
    with `~`, and have variables of the environment, as $SCRATCH.

    Parameters
    ----------
    model : type
        The section that the whole file is.
    file : Path or None
        The TOML file; None starts from the defaults.
    overrides : sequence of str
        `key=value` settings with dotted keys, as `inject.n_inject=200`; they win over the file.
    values_by_key : mapping
        Values that need no parsing, by dotted key; they win over everything.

    Raises
    ------
    ConfigError
        One line for each thing that is wrong, naming the file, the key and what was expected.
    """
    values = _read_toml(file) if file is not None else {}
    if file is not None:
        _anchor(values, model, file)
    settings = dict(_parse(override) for override in overrides)
    for key, value in settings.items():
        if isinstance(value, str) and value and _names_path(model, key):
            value = _path(value, Path(), f"--set: {key}")
        _apply(values, key, value)
    for key, value in (values_by_key or {}).items():
        _apply(values, key, value)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(explain(model, _source(file, settings, e), e) for e in error.errors())
        ) from None


def differences(ours: str, theirs: str) -> list[str]:
    """The differences of two sets of settings, in words.

    Parameters
    ----------
    ours, theirs : str
        Values by dotted key, as JSON: the settings that results depend on, now and in a file.

    Returns
    -------
    list of str
        One `key: theirs -> ours` for each difference.
    """
    new, old = json.loads(ours), json.loads(theirs)
    return [
        f"{key}: {old.get(key, 'not set')} -> {new.get(key, 'not set')}"
        for key in sorted(new.keys() | old.keys())
        if new.get(key) != old.get(key)
    ]


def as_toml(config: Section) -> str:
    """A configuration as the text of a TOML file, each section and setting with its meaning.

    Settings that have no value (TOML knows none) are commented out.
    """
    lines = _section_toml(config)
    for name in type(config).model_fields:
        section = getattr(config, name)
        if isinstance(section, Section):
            lines += ["", f"# {_title(section)}", f"[{name}]", *_section_toml(section)]
    return "\n".join(lines) + "\n"


def _section_toml(section: Section) -> list[str]:
    lines = []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            continue
        if field.description:
            lines.append(f"# {field.description}")
        # JSON's strings, numbers and booleans are TOML's as well
        text = json.dumps(str(value) if isinstance(value, Path) else value)
        lines.append(f"{name} = {text}" if value is not None else f"# {name} =")
    return lines


def _title(section: Section) -> str:
    """The first line of a section's docstring, as its comment."""
    line = (type(section).__doc__ or "").partition("\n")[0].removesuffix(".")
    return line[:1].lower() + line[1:]


def _read_toml(file: Path) -> dict[str, Any]:
    text = read_text(file, missing="no such configuration file")
    try:
        return tomllib.loads(text)
    except _BAD_TOML as error:
        raise ConfigError(f"{file}: not valid TOML: {one_line(error)}") from None


def _anchor(values: dict[str, Any], model: type[Section], file: Path, prefix: str = "") -> None:
    """Make the paths of a file's settings, and default ones, relative to its directory."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, Section):
            section = values.setdefault(name, {})
            if isinstance(section, dict):
                _anchor(section, type(field.default), file, f"{prefix}{name}.")
        elif _is_path(field.annotation):
            value = values.get(name, field.default)
            if isinstance(value, str | Path) and value != "":
                values[name] = _path(str(value), file.parent, f"{file}: {prefix}{name}")


def _path(text: str, directory: Path, setting: str) -> Path:
    """The path of a setting, its variables replaced."""
    try:
        return expanded(text, directory)
    except ValueError as error:
        raise ConfigError(f"{setting} = {text!r}: {error}") from None


def _names_path(model: type[Section], key: str) -> bool:
    """True if a dotted key is that of a setting which is a path."""
    *sections, name = key.split(".")
    for section in sections:
        default = model.model_fields[section].default if section in model.model_fields else None
        if not isinstance(default, Section):
            return False
        model = type(default)
    return name in model.model_fields and _is_path(model.model_fields[name].annotation)


def _is_path(annotation: Any) -> bool:
    """True for a `FilePath`, also an optional one."""
    return annotation is Path or any(_is_path(inside) for inside in get_args(annotation))


def _parse(override: str) -> tuple[str, Any]:
    """Key and value of one `key=value`, the value as TOML has it."""
    key, separator, text = override.partition("=")
    if not separator or _KEY.fullmatch(key.strip()) is None:
        shown = shown_url(override)
        raise ConfigError(f"--set {shown}: expected key=value, as inject.n_inject=200")
    try:
        parsed = tomllib.loads(f"value = {text}")
    except _BAD_TOML:
        parsed = {}
    # a bare word is a string
    return key.strip(), parsed["value"] if parsed.keys() == {"value"} else text


def _apply(values: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into the nested dictionary `values` at a dotted key."""
    *sections, name = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{key}: {section} is a value, not a section")
    values[name] = value


def _source(file: Path | None, settings: Mapping[str, Any], error: Any) -> str:
    """The source of the wrong value: the command line, or the file."""
    key = ".".join(str(part) for part in error["loc"])
    if any(f"{key}.".startswith(f"{s}.") or s.startswith(f"{key}.") for s in settings):
        return "--set"
    return str(file) if file is not None else "configuration"
