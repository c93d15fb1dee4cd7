"""The configuration of a Level 2 campaign: one TOML file, as for every campaign.

Secrets are no part of it: they come from the environment.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cvzmpi.config import FilePath, Section, Url, load_as, named_or_default
from cvzmpi.errors import ConfigError
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.settings import InversionSettings, PreprocessSettings
from cvzmpi.runtime.job_config import CheckpointConfig, JobConfig, LedgerConfig

STORE_AUTHORIZATION = "CVZMPI_STORE_AUTHORIZATION"
"""Environment variable with the header `Authorization` for the metadata store."""

SERVE_TOKEN = "CVZMPI_SERVE_TOKEN"
"""Environment variable with the token that every change through the service needs."""


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if text else ""
    except ValueError as error:
        raise ValueError("expected an address, as 127.0.0.1, or nothing") from error


class Level2LedgerConfig(LedgerConfig):
    """Where the history of the campaign is kept."""

    file: FilePath = Field(Path("ledger.sqlite"), description="the SQLite file")


class StoreConfig(Section):
    """The metadata store."""

    url: Url = Field("", pattern="^(https?://.+)?$", description="where it takes GraphQL requests")
    timeout: float = Field(60.0, gt=0, description="seconds without an answer")
    retries: int = Field(4, ge=0, description="of a request without a usable answer")


class QualifyConfig(Section):
    """When a program is complete, and what makes it invertible."""

    quiet_days: float = Field(
        7.0, ge=0, description="without news of its ViSP datasets: then it is complete"
    )
    spectral_rule: Literal["band", "midpoint", "overlap", "named"] = Field(
        "overlap",
        description='how a line counts as observed: "band", "midpoint", "overlap", "named"',
    )
    min_good: float = Field(0.75, ge=0, le=1, description="of the frames, with good health")
    min_ao_locked: float = Field(
        0.75, ge=0, le=1, description="of the frames, with locked adaptive optics"
    )

    @property
    def thresholds(self) -> Thresholds:
        """What the criteria ask for."""
        return Thresholds(self.spectral_rule, self.min_good, self.min_ao_locked)


class Level1Config(Section):
    """The data that are inverted here."""

    directory: FilePath = Field(
        Path("level1"), description="of the Level 1 datasets, as <dataset> or <proposal>/<dataset>"
    )


class MapsConfig(Section):
    """What is made of them."""

    directory: FilePath = Field(
        Path("maps"), description="of the maps, prepared and inverted, and the logs of the jobs"
    )

    @property
    def prepared(self) -> Path:
        """Directory of the prepared maps."""
        return self.directory / "prepared"

    @property
    def inverted(self) -> Path:
        """Directory of the inverted maps."""
        return self.directory / "inverted"


class InboxConfig(Section):
    """Where the science team drops its ready events."""

    directory: FilePath = Field(Path("inbox"), description="of the JSON files")


class PublishConfig(Section):
    """Where results go."""

    bucket: str = Field("data", pattern="^[a-z0-9][a-z0-9.-]*$", description="name of the bucket")
    destination: FilePath = Field(
        Path("buckets"), description="directory that holds the bucket, as seen from here"
    )
    staging: FilePath = Field(
        Path("staging"), description="directory in which Level 2 files are made"
    )


class ServeConfig(Section):
    """The service."""

    host: str = Field("127.0.0.1", description="address that it listens at")
    port: int = Field(8080, ge=0, lt=65536, description="0 takes any that is free")
    proxy: Annotated[str, AfterValidator(_address)] = Field(
        "", description="address of the web server before it, which says whom it asks for"
    )
    interval: float = Field(60.0, gt=0, description="minutes between two rounds of all steps")


class Level2Config(Section):
    """The whole configuration of a Level 2 campaign."""

    ledger: Level2LedgerConfig = Field(
        Level2LedgerConfig(), description="where the history of the campaign is kept"
    )
    store: StoreConfig = Field(StoreConfig(), description="the metadata store")
    qualify: QualifyConfig = Field(
        QualifyConfig(), description="when a program is complete, and what makes it invertible"
    )
    level1: Level1Config = Field(Level1Config(), description="the data that are inverted here")
    preprocess: PreprocessSettings = Field(
        PreprocessSettings(), description="how Level 1 data become profiles that can be inverted"
    )
    inversion: InversionSettings = Field(
        InversionSettings(), description="the Milne-Eddington inversion"
    )
    maps: MapsConfig = Field(MapsConfig(), description="what is made of them")
    checkpoint: CheckpointConfig = Field(
        CheckpointConfig(), description="how much work a kill may cost"
    )
    job: JobConfig = Field(JobConfig(), description="what a job does about its own end")
    inbox: InboxConfig = Field(
        InboxConfig(), description="where the science team drops its ready events"
    )
    publish: PublishConfig = Field(PublishConfig(), description="where results go")
    serve: ServeConfig = Field(ServeConfig(), description="the service")

    def ledger_location(self) -> str | Path:
        """Where the ledger is: the URL of a database, or the path of an SQLite file."""
        return self.ledger.url or self.ledger.file

    def outboxes(self) -> Path:
        """Where jobs keep what the ledger's database could not take yet."""
        return self.maps.directory / "outbox"

    def logs(self) -> Path:
        """Where the log files of the jobs are."""
        return self.maps.directory / "logs"


def load(file: Path | None, overrides: tuple[str, ...] = ()) -> Level2Config:
    """Read the configuration: a file, by default cvzmpi.toml in the working directory, if any.

    Raises
    ------
    ConfigError
    """
    return load_as(Level2Config, named_or_default(file), overrides)


def secret(variable: str) -> str:
    """A secret from the environment; "" where it is not set."""
    return os.environ.get(variable, "").strip()


def store_url(config: Level2Config) -> str:
    """Where the metadata store is.

    Raises
    ------
    ConfigError
        If the configuration does not say.
    """
    if not config.store.url:
        raise ConfigError("store.url is not set: where is the metadata store?")
    return config.store.url
