"""The commands of a `cvz` campaign."""

from __future__ import annotations

from cvzmpi.cvz import campaign_commands, result_commands

COMMANDS = (*campaign_commands.COMMANDS, *result_commands.COMMANDS)
