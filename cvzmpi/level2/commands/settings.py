"""`cvzmpi level2 config`."""

from __future__ import annotations

import click

from cvzmpi.config import as_toml
from cvzmpi.level2.configuration import Level2Config
from cvzmpi.runtime.all_ranks import DONE


def show_defaults() -> int:
    """Print all settings with their defaults and meanings."""
    click.echo(as_toml(Level2Config()), nl=False)
    return DONE
