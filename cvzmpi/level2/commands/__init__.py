"""The commands `cvzmpi level2 ...`."""

from __future__ import annotations

from cvzmpi.level2.commands import jobs, maps, programs

COMMANDS = (*programs.COMMANDS, *jobs.COMMANDS, *maps.COMMANDS)
