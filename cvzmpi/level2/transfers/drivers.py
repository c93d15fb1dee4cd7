"""The drivers that a configuration names, ready for use or refused before anything starts."""

from __future__ import annotations

from pathlib import Path

from cvzmpi.errors import ConfigError
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.level2.transfer_settings import Driver
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.transfer import TransferDriver


def publication_driver(config: Level2Config) -> TransferDriver:
    """The driver that brings files to where they are published.

    Raises
    ------
    ConfigError
        If settings or secrets for it are missing.
    MissingPackageError
        If its package is not installed.
    """
    settings = config.publish
    return _driver(config, settings.driver, settings.destination, "publish")


def level1_driver(config: Level2Config) -> TransferDriver | None:
    """The driver that brings Level 1 data here; None if others put them there.

    Raises
    ------
    ConfigError
        If settings or secrets for it are missing.
    MissingPackageError
        If its package is not installed.
    """
    settings = config.level1
    if not settings.driver:
        return None
    return _driver(config, settings.driver, settings.source, "level1")


def _driver(config: Level2Config, name: Driver, root: Path, section: str) -> TransferDriver:
    if name == "copy":
        return LocalCopy(root)
    raise ConfigError(f"{section}.driver = {name!r}: not there yet")
