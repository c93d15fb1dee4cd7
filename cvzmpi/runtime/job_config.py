"""Sections that the configurations of all campaigns have: what any job does, whatever its units."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cvzmpi.config import Section, Url


class CheckpointConfig(Section):
    """The checkpoints, which bound the work that a killed job loses."""

    interval: float = Field(5.0, gt=0, description="seconds between checkpoints of a unit")
    fsync: bool = Field(
        True,
        description="true: each checkpoint is on disk, against loss of power, before work goes on",
    )


class JobConfig(Section):
    """The end of a job, its attempts at a unit, and its log."""

    drain_before_end: float = Field(
        120.0, ge=0, description="seconds before the time limit at which the job begins to stop"
    )
    max_attempts: int = Field(
        5,
        ge=1,
        description="attempts at a unit that fails and is tried again, or over which jobs die "
        "without any progress, before it counts as failed",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING"] = Field(
        "INFO", description='least level of the lines in the log file: "DEBUG", "INFO" or "WARNING"'
    )


class LedgerConfig(Section):
    """The ledger, which keeps the history of the campaign."""

    url: Url | None = Field(
        None,
        pattern=r"^(postgresql|sqlite)(\+psycopg)?://",
        description="URL of a database for several jobs at a time, as "
        "postgresql://USER@HOST/DATABASE; without it, the ledger is the file ledger.sqlite",
    )
    lease: float = Field(
        120.0,
        ge=10,
        description="seconds without a sign of life after which a job on another machine is dead",
    )
    patience: float = Field(
        600.0, ge=0, description="seconds that a job waits for a database that is away"
    )
