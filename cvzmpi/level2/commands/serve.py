"""`cvzmpi level2 serve`."""

from __future__ import annotations

from cvzmpi.level2 import service
from cvzmpi.level2.commands.programs import with_campaign
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.runtime.all_ranks import DONE


@with_campaign
def serve(campaign: Level2Steps) -> int:
    """Serve until a signal ends it."""
    service.run(campaign)
    return DONE
