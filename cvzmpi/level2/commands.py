"""The commands `cvzmpi level2 ...`."""

from __future__ import annotations

from cvzmpi.level2 import campaign_commands, job_commands, map_commands

COMMANDS = (*campaign_commands.COMMANDS, *job_commands.COMMANDS, *map_commands.COMMANDS)
