"""The steps of a Level 2 campaign as commands, from the metadata store to the publication."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from cvzmpi.extras import needs
from cvzmpi.ledger import Job
from cvzmpi.level2.configuration import load_campaign
from cvzmpi.level2.handing_in.ready_event import ReadyEvent
from cvzmpi.level2.programs import reservation
from cvzmpi.level2.programs import retry as again
from cvzmpi.level2.programs.inversions import InversionView
from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.description import describe
from cvzmpi.level2.views.inversions import inversion_json
from cvzmpi.level2.views.programs import list_items, program_view
from cvzmpi.level2.views.states import inversion_state
from cvzmpi.runtime.all_ranks import DONE, SOME_FAILED


def with_campaign(command: Callable[..., int]) -> Callable[..., int]:
    """Open the campaign of the options `--config` and `--set` for a body, as its first argument."""

    @wraps(command)
    def opened(file: Path | None, settings: tuple[str, ...], **given: Any) -> int:
        with Level2Steps.open(load_campaign(file, settings)) as steps:
            return command(steps, **given)

    return opened


def _job(steps: Level2Steps, command: str) -> AbstractContextManager[Job]:
    return steps.ledger.job(f"level2 {command}")


@with_campaign
def scan(steps: Level2Steps, proposals: tuple[str, ...]) -> int:
    """Read the metadata store; new and changed datasets are added."""
    with _job(steps, "scan") as job:
        report = steps.scan(job, proposals)
    for line in report.faults:
        click.echo(line, err=True)
    click.echo(report)
    return SOME_FAILED if report.bad else DONE


@with_campaign
def qualify(steps: Level2Steps) -> int:
    """Evaluate the criteria for every program that is complete."""
    with _job(steps, "qualify") as job:
        report = steps.qualify(job)
    click.echo(report)
    return SOME_FAILED if report.failed else DONE


@with_campaign
def list_programs(
    steps: Level2Steps, state: str | None, proposal: str | None, by: str | None, as_json: bool
) -> int:
    """List the Observing Programs: what people have reserved first, then what is free."""
    items = list_items(steps.catalogue, state=state, proposal=proposal, claimed_by=by)
    inversions: dict[str, list[InversionView]] = {item.name: [] for item in items}
    for view in steps.catalogue.inversion_views():
        inversions.setdefault(view.inversion.program, []).append(view)
    if as_json:
        listed = [
            {
                **item.as_json(),
                "inversions": [inversion_json(view) for view in inversions[item.name]],
            }
            for item in items
        ]
        click.echo(json.dumps(listed, indent=1))
        return DONE
    for item in items:
        line = f"{item.name}  {item.proposal}  {item.state}  {item.claimed_by or '-'}"
        line += f"  {item.news}" if item.changed else ""
        made = [f"{v.inversion.inversion_id} {inversion_state(v)}" for v in inversions[item.name]]
        click.echo("  ".join([line, *made]))
    return DONE


@with_campaign
def show(steps: Level2Steps, program: str) -> int:
    """Show a program: its datasets, the criteria with their values, and its history."""
    click.echo(describe(program_view(steps.catalogue, program)), nl=False)
    return DONE


@with_campaign
def reserve(steps: Level2Steps, program: str, by: str) -> int:
    """Reserve a program for a person, who inverts it."""
    with _job(steps, "reserve") as job:
        reservation.reserve(steps.catalogue, job, program, by)
    click.echo(f"{program}: reserved by {by}")
    return DONE


@with_campaign
def release(steps: Level2Steps, program: str, by: str | None) -> int:
    """End the reservation of a program."""
    with _job(steps, "release") as job:
        reservation.release(steps.catalogue, job, program, by)
    click.echo(f"{program}: released")
    return DONE


@with_campaign
def inverted(
    steps: Level2Steps, program: str, files: tuple[Path, ...], commit: str, by: str | None
) -> int:
    """Hand in the inversion of a program: its files are checked first."""
    content = {"program": program, "files": list(files), "commit": commit, "by": by}
    ready = ReadyEvent.of(content, Path.cwd())
    with _job(steps, "inverted") as job:
        inversion = steps.hand_in(job, ready)
    click.echo(f"{program}: inverted, {inversion.inversion_id}")
    return DONE


@with_campaign
def inbox(steps: Level2Steps) -> int:
    """Accept or reject the ready events that were dropped into the inbox."""
    with _job(steps, "inbox") as job:
        dropped = steps.empty_inbox(job)
    for one in dropped:
        click.echo(one, err=not one.accepted)
    return DONE if all(one.accepted for one in dropped) else SOME_FAILED


@with_campaign
def fetch(steps: Level2Steps, programs: tuple[str, ...]) -> int:
    """Bring the Level 1 data of all invertible programs, or of some."""
    with _job(steps, "fetch") as job:
        report = steps.fetch(job, programs)
    for line in report.lines:
        click.echo(line, err=True)
    click.echo(report)
    return SOME_FAILED if report.failed else DONE


@with_campaign
def preprocess(steps: Level2Steps) -> int:
    """Prepare the invertible programs whose Level 1 data are here."""
    with _job(steps, "preprocess") as job:
        report = steps.preprocess(job)
    click.echo(report)
    return SOME_FAILED if report.failed else DONE


@with_campaign
def publish(steps: Level2Steps) -> int:
    """Publish all that is inverted, and register it with the metadata store."""
    with _job(steps, "publish") as job:
        outcomes = steps.publish(job)
    for outcome in outcomes:
        click.echo(outcome, err=outcome.error is not None)
    return SOME_FAILED if any(outcome.error for outcome in outcomes) else DONE


@with_campaign
def retry(steps: Level2Steps, programs: tuple[str, ...]) -> int:
    """Let programs in error go on from where they failed."""
    with _job(steps, "retry") as job:
        for program in programs:
            state = again.retry(steps.catalogue, job, program)
            click.echo(f"{program}: {SHOWN[state]} again")
    return DONE


@with_campaign
def reopen(steps: Level2Steps, program: str) -> int:
    """Look at an inverted program from the beginning; what was published stays."""
    with _job(steps, "reopen") as job:
        again.reopen(steps.catalogue, job, program)
    click.echo(f"{program}: reopened")
    return DONE


@with_campaign
def serve(steps: Level2Steps) -> int:
    """Serve until a signal ends it."""
    with needs("serve", "the service"):
        from cvzmpi.level2.service import server  # Flask and waitress are optional
    server.serve(steps)
    return DONE
