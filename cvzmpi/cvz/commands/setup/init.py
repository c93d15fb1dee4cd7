"""`cvzmpi init`: write a new campaign."""

from __future__ import annotations

from pathlib import Path

import click

from cvzmpi.cvz.new_campaign import README, make_campaign
from cvzmpi.runtime.all_ranks import DONE


def init(directory: Path, input_directory: Path | None, targets: Path | None) -> int:
    """Write the campaign, and print the paths of its files."""
    for path in make_campaign(directory, input_directory, targets):
        click.echo(path)
    click.echo(f"{directory / README} says how it goes on", err=True)
    return DONE
