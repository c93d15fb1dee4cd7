"""Sections that the configurations of all campaigns have: what any job does, whatever its units."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cvzmpi.config import Section, Url


class CheckpointConfig(Section):
    """How much work a kill may cost."""

    interval: float = Field(5.0, gt=0, description="seconds between checkpoints of a unit")
    fsync: bool = Field(True, description="have each checkpoint on disk, against loss of power")


class JobConfig(Section):
    """What a job does about its own end."""

    drain_before_end: float = Field(
        120.0, ge=0, description="seconds before the time limit at which the job begins to stop"
    )
    max_attempts: int = Field(
        5,
        ge=1,
        description="at a unit over which jobs die without any progress, or that fails and is "
        "tried again",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING"] = Field(
        "INFO", description='of the log file of the job: "DEBUG", "INFO" or "WARNING"'
    )


class LedgerConfig(Section):
    """Where the history of the campaign is kept."""

    url: Url | None = Field(
        None,
        pattern=r"^(postgresql|sqlite)(\+psycopg)?://",
        description="as postgresql://USER@HOST/DATABASE, for several jobs at a time; without it, "
        "the campaign's file ledger.sqlite",
    )
    lease: float = Field(
        120.0,
        ge=10,
        description="seconds without a sign of life after which a job on another machine is dead",
    )
    patience: float = Field(
        600.0, ge=0, description="seconds that a job waits for a database that is away"
    )
