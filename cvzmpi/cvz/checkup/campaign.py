"""The campaign that is looked at: its configuration, and its light curves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cvzmpi.config import DEFAULT_FILE
from cvzmpi.cvz.checkup.finding import Finding, note, ok, problem
from cvzmpi.cvz.configuration import Config, load
from cvzmpi.errors import ConfigError

_MOST_FILES = 1000  # that are counted
_ENDINGS = (".fits", ".fits.gz", ".fit", ".fz")


@dataclass(frozen=True)
class CampaignFound:
    """A campaign, or the lack of one.

    Attributes
    ----------
    file : Path, optional
        Of the configuration; None where there is none, and the defaults are looked at.
    config : Config, optional
        None where the configuration is wrong.
    wrong : str
        What is wrong with it, in one line.
    """

    directory: Path
    file: Path | None
    config: Config | None
    wrong: str = ""

    @classmethod
    def find(cls, given: Path) -> CampaignFound:
        """Find the campaign of a configuration file, or of a directory."""
        try:
            if not given.is_dir():
                return cls(given.parent, given, load(given))
            file = given / DEFAULT_FILE
            if file.exists():
                return cls(given, file, load(file))
            return cls(given, None, _defaults(given))
        except ConfigError as error:
            wrong = "; ".join(str(error).splitlines())
        except OSError as error:
            wrong = f"{given}: cannot be read: {error.strerror}"
        return cls(given, given, None, wrong)


def _defaults(directory: Path) -> Config:
    """The default configuration with its paths in a directory."""
    defaults = Config()
    paths = {
        "input.directory": defaults.input.directory,
        "output.directory": defaults.output.directory,
        "archive.scratch": defaults.archive.scratch,
    }
    return load(None, values_by_key={key: directory / path for key, path in paths.items()})


def check_campaign(campaign: CampaignFound) -> Finding:
    """Look whether the configuration can be read, and whether there is something to work on."""
    if campaign.config is None:
        return problem(campaign.wrong, "correct it; `cvzmpi config` prints all settings")
    if campaign.file is None:
        return note(
            f"no {DEFAULT_FILE} in {campaign.directory.absolute()}; the defaults are looked at",
            "`cvzmpi init DIRECTORY` writes one",
        )
    return _check_input(campaign.file, campaign.config)


def _check_input(file: Path, config: Config) -> Finding:
    for key, path in (
        ("archive.targets", config.archive.targets),
        ("input.targets", config.input.targets),
    ):
        if path is not None and not path.is_file():
            return problem(f"{file}: {key}: {path} is no file", "write the list, or name another")
    if config.archive.targets is not None:
        return ok(f"{file}; light curves of the stars in {config.archive.targets}")
    directory = config.input.directory
    if not directory.is_dir():
        if any(config.output.directory.glob("*/*.h5")):  # what is begun needs its FITS file no more
            return note(f"{file}; {directory} is no directory: only what is begun goes on")
        return problem(
            f"{file}: input.directory: {directory} is no directory",
            "make it, or let the setting name the one with the light curves",
        )
    if not os.access(directory, os.R_OK | os.X_OK):
        return problem(f"{directory} cannot be read", "let its owner permit it")
    n_files = len(list(islice(_light_curve_files(directory), _MOST_FILES)))
    if not n_files:
        return note(
            f"{file}; no FITS file in {directory}",
            f"put light curves there; `cvzmpi simulate {directory}` invents some",
        )
    number = f"{n_files} or more" if n_files == _MOST_FILES else str(n_files)
    return ok(f"{file}; {number} FITS file{'s' * (n_files > 1)} in {directory}")


def _light_curve_files(directory: Path) -> Iterator[str]:
    for _, _, names in os.walk(directory, followlinks=False):
        yield from (name for name in names if name.lower().endswith(_ENDINGS))
