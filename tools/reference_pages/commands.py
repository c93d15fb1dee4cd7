"""The page of the command line: each command with its arguments and options."""

from __future__ import annotations

import inspect

import click

from cvzmpi.cli import CAMPAIGNS, cli
from cvzmpi.runtime.command_line import HELP_OPTIONS, imported
from tools.reference_pages.markdown import heading, table


def commands_page() -> str:
    """The commands of both campaigns, those of light curves by their short names."""
    parts = [heading(2, "Light curves")]
    names = [name for name in cli.list_commands(click.Context(cli)) if name not in CAMPAIGNS]
    parts += [_command(cli.commands[name], f"cvzmpi {name}") for name in names]
    level2 = imported(CAMPAIGNS["level2"])
    parts += [heading(2, "Level 2"), _text(level2)]
    parts += [_command(level2.commands[n], f"cvzmpi level2 {n}") for n in sorted(level2.commands)]
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command, name: str) -> str:
    # with the names of the command line itself: click keeps the option that it makes of them
    context = click.Context(command, info_name=name, **HELP_OPTIONS)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [heading(3, f"`{name}`"), f"**Usage:** `{name} {usage}`", _text(command)]
    records = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) is not None
    ]
    if records:
        parts.append(
            table(("option", "meaning"), [(f"`{name}`", _prose(h)) for name, h in records])
        )
    return "\n\n".join(parts)


def _text(command: click.Command) -> str:
    """The help of a command, as paragraphs."""
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(_prose(paragraph) for paragraph in paragraphs)


def _prose(text: str) -> str:
    return " ".join(text.replace("\b", "").split()).replace("<", "&lt;").replace("*", "\\*")
