"""Start and stop of the service."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click
from waitress.server import create_server

from cvzmpi.dashboard.access import SERVE_TOKEN, Access
from cvzmpi.errors import ConfigError, one_line
from cvzmpi.level2.configuration import secret, store_url
from cvzmpi.level2.service.app import MAX_BODY, create_app
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
    access = Access(secret(SERVE_TOKEN))
    settings = steps.config.serve
    with steps.ledger.job("level2 serve") as job:
        rounds = Rounds(steps, job, settings.interval * 60)
        app = create_app(steps, job, rounds, access)
        try:
            server = create_server(
                app,
                host=settings.host,
                port=settings.port,
                max_request_body_size=MAX_BODY,
                **_proxy(settings.proxy),
            )
        except (OSError, ValueError) as error:
            where = f"{settings.host}:{settings.port}"
            reason = (isinstance(error, OSError) and error.strerror) or one_line(error)
            raise ConfigError(f"{where}: cannot serve here: {reason}") from error
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores SIGHUP
                signal.signal(number, _end)
        click.echo(f"serving at http://{settings.host}:{server.effective_port}/")
        if not secret(SERVE_TOKEN):
            click.echo(f"{SERVE_TOKEN} is not set: nothing can be changed from here", err=True)
        rounds.start()
        try:
            server.run()
        finally:
            rounds.stop()


def _proxy(address: str) -> dict[str, Any]:
    """Settings of waitress for a web server in front, whose headers alone are trusted."""
    if not address:
        return {"clear_untrusted_proxy_headers": False}  # `Sessions` reads one of them
    return {
        "trusted_proxy": address,
        "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-proto"},
        "clear_untrusted_proxy_headers": True,
    }


def _end(*_: Any) -> None:
    sys.exit(0)  # waitress ends on it
