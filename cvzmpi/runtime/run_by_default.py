"""A group of commands of which one is meant where none is named."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cvzmpi.messages.wording import did_you_mean


class RunByDefault(click.Group):
    """A group whose command `run` is meant where none is named: `cvzmpi my.toml` runs it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before arguments that begin with a file, or with an option that is its own."""
        if not self._begins_with_ours(ctx, args):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def _begins_with_ours(self, ctx: click.Context, args: list[str]) -> bool:
        """True if the first argument is a command, or an option of this group."""
        if not args:
            return ctx.resilient_parsing  # a shell asks what could come first
        if args[0].startswith("-"):
            return args[0] in {*self.get_help_option_names(ctx), "--version"}
        return self.get_command(ctx, args[0]) is not None or not _is_meant_as_file(args[0])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and options that a word may become, or else files, as `run` takes them."""
        found = super().shell_complete(ctx, incomplete)
        return found or [CompletionItem(incomplete, type="file")]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; fails with those whose names are like it."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            message = f"{args[0]!r} is neither a command nor a file here"
            ctx.fail(message + did_you_mean(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _is_meant_as_file(word: str) -> bool:
    """True for a word that is no command by its looks, or names something that is here."""
    return any(mark in word for mark in "./~$") or Path(word).exists()
