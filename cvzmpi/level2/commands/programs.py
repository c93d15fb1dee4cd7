"""Commands of a campaign: from the metadata store to the published inversion."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cvzmpi.given_path import GIVEN_PATH
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED

if TYPE_CHECKING:
    from cvzmpi.ledger import Job
    from cvzmpi.level2.steps import Level2Steps


def of_campaign(command: Callable[..., int], *, create: bool = True) -> Callable[..., int]:
    """The options that say which campaign; the command gets it opened, as its first argument."""

    @click.option("--config", type=GIVEN_PATH, help="[default: cvzmpi.toml]")
    @click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Override.")
    @wraps(command)
    def wrapped(config: Path | None, settings: tuple[str, ...], **given: Any) -> int:
        from cvzmpi.level2.configuration import load
        from cvzmpi.level2.steps import Level2Steps

        with Level2Steps.open(load(config, settings), create=create) as campaign:
            return command(campaign, **given)

    return wrapped


@contextmanager
def _job(campaign: Level2Steps, program: str) -> Iterator[Job]:
    with campaign.ledger.job(f"level2 {program}") as job:
        yield job


@click.command()
@click.option("--proposal", "proposals", multiple=True, help="Only this one; may come again.")
@of_campaign
def scan(campaign: Level2Steps, proposals: tuple[str, ...]) -> int:
    """Read the metadata store; new and changed datasets are added."""
    with _job(campaign, "scan") as job:
        report = campaign.scan(job, proposals)
    for bad in report.bad:
        click.echo(f"bad row {bad}", err=True)
    click.echo(report)
    return SOME_FAILED if report.bad else DONE


@click.command()
@of_campaign
def qualify(campaign: Level2Steps) -> int:
    """Evaluate the criteria for every program that is complete."""
    with _job(campaign, "qualify") as job:
        click.echo(campaign.qualify(job))
    return DONE


@click.command(name="list")
@click.option("--state", help="Only what is in this state, as Invertible.")
@click.option("--proposal", help="Only what was observed for this proposal.")
@click.option("--by", help="Only what this person has reserved.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@of_campaign
def list_programs(
    campaign: Level2Steps, state: str | None, proposal: str | None, by: str | None, as_json: bool
) -> int:
    """List the Observing Programs: what people have reserved first, then what is free."""
    from cvzmpi.level2.programs.views import list_items

    items = list_items(campaign.catalogue, state=state, proposal=proposal, claimed_by=by)
    if as_json:
        click.echo(json.dumps([item.as_json() for item in items], indent=1))
        return DONE
    for item in items:
        news = f"  {item.news}" if item.changed else ""
        click.echo(f"{item.name}  {item.proposal}  {item.state}  {item.claimed_by or '-'}{news}")
    return DONE


@click.command()
@click.argument("program")
@of_campaign
def show(campaign: Level2Steps, program: str) -> int:
    """Show a program: its datasets, the criteria with their values, and its history."""
    from cvzmpi.level2.programs.views import describe, program_view

    click.echo(describe(program_view(campaign.catalogue, program)), nl=False)
    return DONE


@click.command()
@click.argument("program")
@click.option("--by", required=True, help="The person's name.")
@of_campaign
def reserve(campaign: Level2Steps, program: str, by: str) -> int:
    """Reserve a program for a person, who inverts it."""
    from cvzmpi.level2.programs import reservation

    with _job(campaign, "reserve") as job:
        reservation.reserve(campaign.catalogue, job, program, by)
    click.echo(f"{program}: reserved by {by}")
    return DONE


claim = click.Command("claim", callback=reserve.callback, params=reserve.params, hidden=True)
"""The earlier name of the command."""


@click.command()
@click.argument("program")
@click.option("--by", help="Only if this person has it.")
@of_campaign
def release(campaign: Level2Steps, program: str, by: str | None) -> int:
    """End the reservation of a program."""
    from cvzmpi.level2.programs import reservation

    with _job(campaign, "release") as job:
        reservation.release(campaign.catalogue, job, program, by)
    click.echo(f"{program}: released")
    return DONE


@click.command()
@click.argument("program")
@click.option(
    "--files",
    type=GIVEN_PATH,
    required=True,
    multiple=True,
    help="A file of the product, or its directory; may come again.",
)
@click.option("--commit", required=True, help="Of the software that made them.")
@click.option("--by", help="Who made them.")
@of_campaign
def inverted(
    campaign: Level2Steps, program: str, files: tuple[Path, ...], commit: str, by: str | None
) -> int:
    """Hand in the inversion of a program: its files are checked first."""
    from cvzmpi.level2.product.handing_in import ReadyEvent, hand_in

    content = {"program": program, "files": list(files), "commit": commit, "by": by}
    ready = ReadyEvent.of(content, Path.cwd())
    with _job(campaign, "inverted") as job:
        inversion = hand_in(campaign.catalogue, job, ready)
    click.echo(f"{program}: inverted, {inversion.inversion_id}")
    return DONE


@click.command()
@of_campaign
def inbox(campaign: Level2Steps) -> int:
    """Accept or reject the ready events that were dropped into the inbox."""
    with _job(campaign, "inbox") as job:
        dropped = campaign.empty_inbox(job)
    for one in dropped:
        click.echo(one, err=not one.accepted)
    return DONE if all(one.accepted for one in dropped) else SOME_FAILED


@click.command()
@of_campaign
def preprocess(campaign: Level2Steps) -> int:
    """Prepare the invertible programs whose Level 1 data are here."""
    with _job(campaign, "preprocess") as job:
        report = campaign.preprocess(job)
    click.echo(report)
    return SOME_FAILED if report.failed else DONE


@click.command()
@of_campaign
def publish(campaign: Level2Steps) -> int:
    """Publish all that is inverted, and register it with the metadata store."""
    with _job(campaign, "publish") as job:
        outcomes = campaign.publish(job)
    for outcome in outcomes:
        click.echo(outcome, err=outcome.error is not None)
    return SOME_FAILED if any(outcome.error for outcome in outcomes) else DONE


@click.command()
@click.argument("programs", nargs=-1, required=True)
@of_campaign
def retry(campaign: Level2Steps, programs: tuple[str, ...]) -> int:
    """Let programs in error go on from where they failed."""
    from cvzmpi.level2.programs import retry as again
    from cvzmpi.level2.programs.states import SHOWN

    with _job(campaign, "retry") as job:
        for program in programs:
            state = again.retry(campaign.catalogue, job, program)
            click.echo(f"{program}: {SHOWN[state]} again")
    return DONE


@click.command()
@click.argument("program")
@of_campaign
def reopen(campaign: Level2Steps, program: str) -> int:
    """Look at an inverted program from the beginning; what was published stays."""
    from cvzmpi.level2.programs import retry as again

    with _job(campaign, "reopen") as job:
        again.reopen(campaign.catalogue, job, program)
    click.echo(f"{program}: reopened")
    return DONE


@click.command()
def config() -> int:
    """Print all settings with their defaults and meanings: a cvzmpi.toml to start from."""
    from cvzmpi.config import as_toml
    from cvzmpi.level2.configuration import Level2Config

    click.echo(as_toml(Level2Config()), nl=False)
    return DONE


@click.command()
@of_campaign
def serve(campaign: Level2Steps) -> int:
    """Run all steps on a schedule, and serve a page with everything about the programs."""
    from cvzmpi.level2.service import run

    run(campaign)
    return DONE


COMMANDS = (
    *(config, scan, qualify, list_programs, show, reserve, claim, release, inverted, inbox),
    *(preprocess, publish, retry, reopen, serve),
)
