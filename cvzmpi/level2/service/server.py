"""Start and stop of the service."""

from __future__ import annotations

from cvzmpi.dashboard import server
from cvzmpi.dashboard.access import Access
from cvzmpi.level2.configuration import store_url
from cvzmpi.level2.service.app import create_app
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.steps import Level2Steps


def serve(steps: Level2Steps) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; the current step is finished first.

    Raises
    ------
    ConfigError
        If the address cannot be used, or the configuration lacks the metadata store.
    """
    store_url(steps.config)
    access = Access.of_environment()
    settings = steps.config.serve
    with steps.ledger.job("level2 serve") as job:
        rounds = Rounds(steps, job, settings.interval * 60)
        app = create_app(steps, job, rounds, access)
        server.serve(app, access, settings.host, settings.port, settings.proxy, beside=rounds)
