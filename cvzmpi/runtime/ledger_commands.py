"""The commands about the ledger of a campaign."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.ledger_display import show_history, show_status, status_options

if TYPE_CHECKING:
    from cvzmpi.cvz.configuration import Config
    from cvzmpi.cvz.work.verify import Verification
    from cvzmpi.ledger import Ledger
    from cvzmpi.ledger.failures import Failure

_STEPS = "injections"
_N_EXAMPLES = 10


@dataclass(frozen=True)
class _Place:
    """Which campaign a command is about."""

    config: Path | None
    output: str | None

    def load(self) -> Config:
        """Its configuration; with an output directory alone, the defaults."""
        from cvzmpi.config import DEFAULT_FILE, named_or_default
        from cvzmpi.cvz.configuration import load
        from cvzmpi.errors import ConfigError

        file = named_or_default(self.config)
        if file is None and self.output is None:
            raise ConfigError(f"no {DEFAULT_FILE} here: give --config or --output")
        return load(file, (), {"output.directory": self.output} if self.output else {})

    def ledger(self, create: bool = False) -> Ledger:
        """Its ledger."""
        from cvzmpi.ledger import Ledger

        return Ledger.open(self.load().ledger_location(), create=create)


def _of_campaign(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options that say which campaign it is about."""
    config = click.option("--config", type=GIVEN_PATH, help="Configuration file.")
    output = click.option("--output", metavar="DIR", help="Its output directory.")

    @wraps(command)
    def with_place(config: Path | None, output: str | None, **others: Any) -> int:
        return command(_Place(config, output), **others)

    return config(output(with_place))


@click.command()
@status_options
@_of_campaign
def status(place: _Place, as_json: bool, every: float | None) -> int:
    """How the campaign is: what is done, how fast, who works on it, what failed."""
    config = place.load()
    show_status(
        config.ledger_location(),
        config.outboxes(),
        _STEPS,
        as_json=as_json,
        every=every,
    )
    return 0


@click.command()
@click.argument("unit")
@_of_campaign
def history(place: _Place, unit: str) -> int:
    """The whole story of one unit, as 25155310_1."""
    with place.ledger() as ledger:
        show_history(ledger, unit)
    return 0


@click.command()
@click.argument("units", nargs=-1)
@click.option("--all", "all_units", is_flag=True, help="All that failed.")
@click.option("--message", metavar="TEXT", help="Those whose message contains this text.")
@_of_campaign
def retry(place: _Place, units: tuple[str, ...], all_units: bool, message: str | None) -> int:
    """Let units that failed be tried again, with as many attempts as new ones have."""
    from cvzmpi.ledger.failures import failures, retry

    if sum([bool(units), all_units, message is not None]) != 1:
        raise click.UsageError("give UNITS, or --message TEXT, or --all")

    def is_meant(failure: Failure) -> bool:
        if message is not None:
            return message in failure.message
        return all_units or failure.unit.name in units

    with place.ledger() as ledger:
        failed = failures(ledger)
        strangers = set(units) - {failure.unit.name for failure in failed}
        if strangers:
            raise click.UsageError(f"has not failed: {_with_states(ledger, strangers)}")
        with ledger.job("retry") as job:
            events = retry(ledger, [failure for failure in failed if is_meant(failure)], job)
    click.echo(f"{len(events)} of {len(failed)} failed units will be tried again")
    return 0


@click.command()
@click.option("--sample", type=click.IntRange(1), metavar="N", help="N units chosen at random.")
@click.option("--dry-run", is_flag=True, help="Change nothing.")
@_of_campaign
def verify(place: _Place, sample: int | None, dry_run: bool) -> int:
    """Compare the ledger with the sector files, and put it right; make a lost one anew."""
    from cvzmpi.cvz.work.verify import Verifier

    with place.ledger(create=not dry_run) as ledger, ledger.job("verify") as job:
        found = Verifier(place.load(), ledger, job, repair=not dry_run).verify(sample)
    for line in _verification_lines(found):
        click.echo(line)
    return 0 if len(found.differences) == found.n_repaired else 1


@click.command()
@click.argument("role")
@_of_campaign
def grant(place: _Place, role: str) -> int:
    """Let a PostgreSQL role add to the ledger, and do nothing else with it; for its owner."""
    from cvzmpi.ledger.db.grants import grant

    with place.ledger(create=True) as ledger:
        taken = grant(ledger.database, role)
    click.echo(f"{role} can add to the ledger {ledger.database.name}")
    if taken:
        click.echo(
            f"revoked from PUBLIC, which is every role, so that {role} has it no more: "
            f"{', '.join(taken)}"
        )
    return 0


def _with_states(ledger: Ledger, names: Collection[str]) -> str:
    """Some units, each with what it is."""
    from cvzmpi.ledger import State

    states = {unit.name: unit.state for unit in ledger.units(names=list(names))}
    said = [f"{name} (is {states.get(name, 'not in the ledger')})" for name in sorted(names)]
    if State.WORKING in states.values():
        said.append("what is working without a living job, the next `run` goes on with by itself")
    return ", ".join(said)


COMMANDS = (status, history, retry, verify, grant)


def _verification_lines(found: Verification) -> list[str]:
    lines = [f"{difference.unit}: {difference.what}" for difference in found.differences]
    if len(lines) > _N_EXAMPLES:
        lines = [*lines[:_N_EXAMPLES], f"and {len(lines) - _N_EXAMPLES} more"]
    summary = [f"{found.n_compared} units compared with their files"]
    if found.n_added:
        summary.append(f"{found.n_added} were not in the ledger")
    if found.n_died:
        summary.append(f"{found.n_died} jobs had died")
    summary.append(f"{len(found.differences)} differ, {found.n_repaired} of them repaired")
    return [*lines, ", ".join(summary)]
