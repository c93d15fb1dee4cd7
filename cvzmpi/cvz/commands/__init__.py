"""The commands of a `cvz` campaign."""

from __future__ import annotations

from cvzmpi.cvz.commands import campaign, results

COMMANDS = (*campaign.COMMANDS, *results.COMMANDS)
