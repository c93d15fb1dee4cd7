"""The commands `cvzmpi level2 ...`."""

from __future__ import annotations

from cvzmpi.level2 import map_commands

COMMANDS = (map_commands.prepare, map_commands.invert, map_commands.write)
