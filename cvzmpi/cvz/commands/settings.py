"""The settings of the campaign that a command is about, and `cvzmpi config`, which prints all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from cvzmpi.config import DEFAULT_FILE, as_toml, named_or_default
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.errors import ConfigError
from cvzmpi.runtime.all_ranks import DONE


def show_defaults() -> int:
    """Print all settings with their defaults and meanings."""
    click.echo(as_toml(Config()), nl=False)
    return DONE


def settings_of(
    file: Path | None,
    settings: tuple[str, ...] = (),
    given: Mapping[str, Path | str | None] | None = None,
) -> Config:
    """The configuration from a file, by default ./cvzmpi.toml if that is here, and options.

    Parameters
    ----------
    settings : tuple of str
        The values of `--set`.
    given : mapping
        Values of other options by the key of their setting; None for those that were not given.

    Raises
    ------
    ConfigError
    """
    values = {key: value for key, value in (given or {}).items() if value}
    return load(named_or_default(file), settings, values)


def settings_of_output(file: Path | None, output: Path | None) -> Config:
    """The configuration of a campaign that is there; an output directory alone is enough.

    Raises
    ------
    ConfigError
    """
    if named_or_default(file) is None and output is None:
        raise ConfigError(f"no {DEFAULT_FILE} here: give --config or --output")
    return settings_of(file, given={"output.directory": output})


def search_chosen(given: str | None) -> str:
    """The name of the search chosen: that given, that of ./cvzmpi.toml, or the default.

    Raises
    ------
    ConfigError
    """
    return given or settings_of(None).detect.search


def results_directory(given: Path | None) -> Path:
    """The directory of the sector files: that given, or that of ./cvzmpi.toml.

    Raises
    ------
    ConfigError
    """
    if given is not None:
        return given
    file = named_or_default(None)
    if file is None:
        raise ConfigError(f"no {DEFAULT_FILE} here: name the directory of the sector files")
    return load(file).output.directory
