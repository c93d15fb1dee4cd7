"""Start and stop of the server."""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click
from flask import Flask

from cvzmpi.dashboard.access import SERVE_TOKEN, Access
from cvzmpi.dashboard.app import MAX_BODY, create_app
from cvzmpi.dashboard.connections import listen
from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.errors import ConfigError, one_line
from cvzmpi.ledger.status.status import take_status

_THREADS = 8
_MAX_HEAD = 32 * 1024
"""Bytes of the first line and the headers of a request."""

_OPEN_FILES = 4096
"""Enough for all connections and the temporary files of their requests and answers."""


def serve_campaign(campaign: ServedCampaign, host: str, port: int, proxy: str) -> None:
    """Serve the pages of a campaign until SIGTERM, SIGINT or SIGHUP.

    Raises
    ------
    LedgerError
        If the ledger is not there, or cannot be read.
    ConfigError
        If the address cannot be used.
    """
    access = Access.of_environment()
    take_status(campaign.location)
    serve(create_app(campaign, access), access, host, port, proxy)


def serve(
    app: Flask,
    access: Access,
    host: str,
    port: int,
    proxy: str = "",
    beside: AbstractContextManager[object] | None = None,
) -> None:
    """Serve an application until SIGTERM, SIGINT or SIGHUP.

    Parameters
    ----------
    host, port
        To listen at; port 0 is any free one.
    proxy : str
        Address of a web server in front, whose headers name the client.
    beside : context manager, optional
        What is done as long as the server runs.

    Raises
    ------
    ConfigError
        If the address cannot be used.
    """
    _allow_open_files()
    try:
        server = listen(
            app,
            host,
            port,
            threads=_THREADS,
            max_request_header_size=_MAX_HEAD,
            max_request_body_size=MAX_BODY,
            **_proxy(proxy),
        )
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or one_line(error)
        raise ConfigError(f"{host}:{port}: cannot serve here: {reason}") from error
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` ignores SIGHUP
            signal.signal(number, _end)
    click.echo(f"serving at http://{host}:{server.effective_port}/")
    if not access.allows_changes:
        click.echo(f"{SERVE_TOKEN} is not set: nothing can be changed from here", err=True)
    with beside or nullcontext():
        server.run()


def _allow_open_files() -> None:
    """Raise the number of files that this process may open, as far as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
