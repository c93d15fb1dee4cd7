"""The drivers that a configuration names, ready for use or refused before anything starts."""

from __future__ import annotations

from typing import Literal

from cvzmpi.errors import ConfigError
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.level2.transfers.globus import Globus
from cvzmpi.level2.transfers.local_copy import LocalCopy
from cvzmpi.level2.transfers.s3 import S3
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
    if settings.driver == "globus":
        return _globus(config, "publish")
    return S3(config.s3) if settings.driver == "s3" else LocalCopy(settings.destination)


def level1_driver(config: Level2Config) -> TransferDriver:
    """The driver that brings Level 1 data here.

    Raises
    ------
    ConfigError
        If settings or secrets for it are missing.
    MissingPackageError
        If its package is not installed.
    """
    settings = config.level1
    if not settings.driver:
        raise ConfigError('level1.driver is not set: expected "copy", "globus" or "s3"')
    if settings.driver == "globus":
        return _globus(config, "level1")
    return S3(config.s3) if settings.driver == "s3" else LocalCopy(settings.source)


def _globus(config: Level2Config, end: Literal["publish", "level1"]) -> Globus:
    settings = config.globus
    if end == "publish":
        collection, path = settings.publish_collection, settings.publish_path
        local, name_of_local = config.publish.staging, "publish.staging"
    else:
        collection, path = settings.level1_collection, settings.level1_path
        local, name_of_local = config.level1.directory, "level1.directory"
    for name, value in (
        ("here_collection", settings.here_collection),
        (f"{end}_collection", collection),
    ):
        if not value:
            raise ConfigError(f'globus.{name} is not set, and {end}.driver is "globus"')
    seen = settings.here_directory
    if not local.resolve().is_relative_to(seen.resolve()):
        raise ConfigError(f"{name_of_local} = {local}: not below globus.here_directory = {seen}")
    return Globus(settings, collection, path)
