"""The settings of the campaign that a command is about, and `cvzmpi config`, which prints all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from cvzmpi.config import DEFAULT_FILE, as_toml, named_or_default
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.cvz.light_curves.stage import Stage
from cvzmpi.cvz.sector_file.paths import holds_results, sector_files
from cvzmpi.errors import ConfigError
from cvzmpi.ledger.status.pace import WholeUnit
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

    The directory of a campaign stands for that of its results.

    Raises
    ------
    ConfigError
    """
    file = DEFAULT_FILE if given is None else given / DEFAULT_FILE
    if file.exists():
        return load(file).output.directory
    if given is None:
        raise ConfigError(f"no {DEFAULT_FILE} here: name the directory of the sector files")
    return given


def check_begun(results: Path) -> None:
    """Check that a directory is that of the results of a campaign, with sector files or without.

    Raises
    ------
    ConfigError
        If no campaign has begun there; a directory that is not there is told by others.
    """
    if results.is_dir() and not holds_results(results):
        raise ConfigError(f"{results}: no sector files in here, and no campaign that has begun")


def files_meant(given: Sequence[Path]) -> list[Path]:
    """The sector files that paths name; a directory stands for all in it.

    Parameters
    ----------
    given : sequence of Path
        Sector files, and directories of them or of campaigns; none for that of ./cvzmpi.toml.

    Raises
    ------
    ConfigError
        If there are none in a directory.
    """
    files: list[Path] = []
    for path in given or [results_directory(None)]:
        if path.is_dir() or not given:
            directory = results_directory(path)
            inside = list(sector_files(directory).values()) or sorted(directory.glob("*_*.h5"))
            if not inside:
                raise ConfigError(f"{directory}: no sector files in here")
            files += inside
        else:
            files.append(path)
    return files


def whole_light_curve(config: Config) -> WholeUnit:
    """The work on a light curve from its beginning to its end."""
    n_inject = config.inject.n_inject
    return WholeUnit(
        steps=n_inject * config.inject.n_repeat, progress=n_inject + Stage.MODEL.n_before
    )
