"""The configuration of a Level 2 campaign: one TOML file, and secrets from the environment."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cvzmpi.config import DEFAULT_FILE, FilePath, Section, Url, load_as, named_or_default
from cvzmpi.errors import ConfigError
from cvzmpi.level2.programs.invertibility import Thresholds
from cvzmpi.level2.settings import DisambiguationSettings, InversionSettings, PreprocessSettings
from cvzmpi.level2.transfer_settings import Driver, GlobusConfig, Level1Config, S3Config
from cvzmpi.runtime.job_config import CheckpointConfig, JobConfig, LedgerConfig

STORE_AUTHORIZATION = "CVZMPI_STORE_AUTHORIZATION"
"""Environment variable with the value of the header `Authorization` for the metadata store."""

BUS_PASSWORD = "CVZMPI_BUS_PASSWORD"
"""Environment variable with the password for the interservice bus."""


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if text else ""
    except ValueError as error:
        raise ValueError("expected an address, as 127.0.0.1, or nothing") from error


class Level2LedgerConfig(LedgerConfig):
    """The ledger, which keeps the history of the campaign."""

    file: FilePath = Field(Path("ledger.sqlite"), description="the SQLite file")


class StoreConfig(Section):
    """The metadata store."""

    url: Url = Field("", pattern="^(https?://.+)?$", description="address for GraphQL requests")
    timeout: float = Field(60.0, gt=0, description="seconds to wait for an answer")
    retries: int = Field(4, ge=0, description="repetitions of a request without a usable answer")


class QualifyConfig(Section):
    """The conditions for a program to be complete and invertible."""

    quiet_days: float = Field(
        7.0, ge=0, description="a program is complete after so many days without a change"
    )
    spectral_rule: Literal["band", "midpoint", "overlap", "named"] = Field(
        "overlap",
        description='when a line counts as observed: "band", "midpoint", "overlap", "named"',
    )
    min_good: float = Field(0.75, ge=0, le=1, description="least fraction of healthy frames")
    min_ao_locked: float = Field(
        0.75, ge=0, le=1, description="least fraction of frames with locked adaptive optics"
    )

    @property
    def thresholds(self) -> Thresholds:
        """The limits of the criteria."""
        return Thresholds(self.spectral_rule, self.min_good, self.min_ao_locked)


class MapsConfig(Section):
    """The maps that are made of Level 1 data."""

    directory: FilePath = Field(
        Path("maps"), description="directory of prepared and inverted maps, and of the logs of jobs"
    )
    calcium: bool = Field(
        False, description="make maps also of the datasets with Ca II 854.2 nm, which must be here"
    )

    @property
    def prepared(self) -> Path:
        """Directory of the prepared maps."""
        return self.directory / "prepared"

    @property
    def inverted(self) -> Path:
        """Directory of the inverted maps."""
        return self.directory / "inverted"


class HandingInConfig(Section):
    """The check of what the science team hands in."""

    repository: Url = Field(
        "",
        pattern="^(https?://.+)?$",
        description="web address of the repository of the inversion code, which has a page "
        "commit/<hash> for each commit; without it, commits are not looked for",
    )


class InboxConfig(Section):
    """The directory for the ready events of the science team."""

    directory: FilePath = Field(Path("inbox"), description="directory of the JSON files")


class PublishConfig(Section):
    """The destination of results."""

    bucket: str = Field(
        "",
        pattern="^([a-z0-9][a-z0-9.-]*)?$",
        description="bucket for all files; by default that of the inverted datasets",
    )
    embargoed: bool = Field(False, description="whether programs under embargo are published")
    driver: Driver = Field(
        "copy", description='service that brings the files there: "copy", "globus", "s3"'
    )
    destination: FilePath = Field(
        Path("buckets"), description='directory that holds the buckets, for "copy"'
    )
    staging: FilePath = Field(Path("staging"), description="directory where Level 2 files are made")


class BusConfig(Section):
    """The interservice bus, a RabbitMQ broker that takes messages for the catalogue."""

    url: Url = Field(
        "",
        pattern="^(amqps?://.+)?$",
        description="address, as amqp://user@host:5672/virtual-host; without it, no messages",
    )
    exchange: str = Field("master.direct.x", min_length=1, description="direct exchange to use")
    queue_type: Literal["classic", "quorum"] = Field(
        "classic", description='type of the catalogue\'s queues: "classic" or "quorum"'
    )
    receipts: str = Field(
        "cvzmpi.level2.receipts",
        min_length=1,
        max_length=200,
        description="queue that keeps a copy of what was sent, one for each ledger",
    )
    timeout: float = Field(30.0, gt=0, description="seconds to wait for an answer")


class ServeConfig(Section):
    """The service."""

    host: str = Field("127.0.0.1", description="address to listen at")
    port: int = Field(8080, ge=0, lt=65536, description="port to listen at; 0 is any free one")
    proxy: Annotated[str, AfterValidator(_address)] = Field(
        "", description="address of a web server in front, whose headers name the client"
    )
    interval: float = Field(60.0, gt=0, description="minutes between two rounds of all steps")


class Level2Config(Section):
    """The whole configuration of a Level 2 campaign."""

    ledger: Level2LedgerConfig = Level2LedgerConfig()
    store: StoreConfig = StoreConfig()
    qualify: QualifyConfig = QualifyConfig()
    level1: Level1Config = Level1Config()
    preprocess: PreprocessSettings = PreprocessSettings()
    inversion: InversionSettings = InversionSettings()
    disambiguation: DisambiguationSettings = DisambiguationSettings()
    maps: MapsConfig = MapsConfig()
    checkpoint: CheckpointConfig = CheckpointConfig()
    job: JobConfig = JobConfig()
    handing_in: HandingInConfig = HandingInConfig()
    inbox: InboxConfig = InboxConfig()
    publish: PublishConfig = PublishConfig()
    bus: BusConfig = BusConfig()
    globus: GlobusConfig = GlobusConfig()
    s3: S3Config = S3Config()
    serve: ServeConfig = ServeConfig()

    def ledger_location(self) -> str | Path:
        """The place of the ledger: the URL of a database, or the path of an SQLite file."""
        return self.ledger.url or self.ledger.file

    def outboxes(self) -> Path:
        """Directory of the outboxes: what the ledger's database could not take yet."""
        return self.maps.directory / "outbox"

    def logs(self) -> Path:
        """Directory of the log files of the jobs."""
        return self.maps.directory / "logs"


def load(file: Path | None, overrides: tuple[str, ...] = ()) -> Level2Config:
    """Read the configuration: a file, by default cvzmpi.toml in the working directory, if any.

    Raises
    ------
    ConfigError
    """
    return load_as(Level2Config, named_or_default(file), overrides)


def load_campaign(file: Path | None, overrides: tuple[str, ...] = ()) -> Level2Config:
    """Read the configuration as `load` does, of a campaign that must be there.

    Raises
    ------
    ConfigError
        Also where there is neither a file nor a setting, and no ledger in the working directory.
    """
    config = load(file, overrides)
    if named_or_default(file) is None and not overrides and not config.ledger.file.exists():
        raise ConfigError(f"no {DEFAULT_FILE} here: give --config")
    return config


def secret(variable: str) -> str:
    """A secret from the environment; "" if it is not set."""
    return os.environ.get(variable, "").strip()


def store_url(config: Level2Config) -> str:
    """The address of the metadata store.

    Raises
    ------
    ConfigError
        If it is not set.
    """
    if not config.store.url:
        raise ConfigError("store.url is not set: where is the metadata store?")
    return config.store.url
