"""A job of any campaign is opened with its log, ledger and units, or leaves nothing begun."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cvzmpi.errors import ConfigError
from cvzmpi.ledger import Ledger, State
from cvzmpi.ledger.client.rules import Evidence
from cvzmpi.runtime.job_config import JobConfig, LedgerConfig
from cvzmpi.runtime.open_job import open_job
from cvzmpi.scheduler.campaign import Unit
from tests.ledger.way import bring_to, next_unit


@dataclass
class Config:
    """Of a campaign that is neither of ours."""

    directory: Path
    job: JobConfig = field(default_factory=JobConfig)
    ledger: LedgerConfig = field(default_factory=LedgerConfig)

    def ledger_location(self):
        return self.directory / "ledger.sqlite"

    def outboxes(self):
        return self.directory / "outbox"

    def logs(self):
        return self.directory / "logs"


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)


def units_of(opened, **rules):
    """The source of all units of a ledger."""
    evidence = Evidence(lambda unit: 0, lambda unit: False)
    return opened.source(lambda unit: Unit(unit.name, unit.cost), evidence, 2, 10, **rules)


def jobs_of(config):
    with Ledger.open(config.ledger_location()) as ledger:
        return [(job.program, job.ranks, job.outcome) for job in ledger.jobs.all()]


def test_the_ledger_is_looked_at_before_the_job_is_in_it(config):
    seen = []

    def look(ledger):
        seen.append([job.program for job in ledger.jobs.all()])
        return units_of

    source = open_job(config, "third run", 3, 1, look)
    assert source.overview().steps_per_unit == 10
    source.close(None)
    assert seen == [[]]
    assert jobs_of(config) == [("third run", 3, "ended")]
    (log,) = config.logs().iterdir()
    assert "the job ends: nothing is left" in log.read_text()


def test_a_job_for_a_batch_gets_and_counts_no_other_units(config):
    with Ledger.open(config.ledger_location()) as ledger, ledger.job("scan") as scan:
        bring_to(ledger, scan, State.PREPROCESSED, "a", "b", "c")

    source = open_job(
        config, "run", 1, 1, lambda ledger: lambda opened: units_of(opened, batch=["b", "b"])
    )
    assert source.overview().n_open == 1
    assert next_unit(source).name == "b"
    assert next_unit(source) is None
    source.close(None)


@pytest.mark.parametrize(
    ("where", "jobs"),
    [("check", []), ("look", []), ("units", [("run", 1, "nothing was begun")])],
)
def test_what_fails_while_a_job_is_opened_leaves_nothing_begun(config, where, jobs):
    def fails_in(place):
        if place == where:
            raise ConfigError(f"wrong in {place}")

    def look(ledger):
        fails_in("look")
        return lambda opened: fails_in("units")

    with pytest.raises(ConfigError, match=f"wrong in {where}"):
        open_job(config, "run", 1, 1, look, check=lambda: fails_in("check"))
    assert jobs_of(config) == jobs
