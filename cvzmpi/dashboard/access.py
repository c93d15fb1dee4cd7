"""Permission to change something: it needs the token.

Programs send the token in the header `Authorization: Bearer ...`. People sign in with it and their
name; then a signed cookie identifies them for twelve hours, and every form contains a key of their
session, so that no other page can send it for them. After wrong tokens, a client has to wait.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import os
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from cvzmpi.dashboard.client_network import client_network
from cvzmpi.errors import ConfigError
from cvzmpi.ledger.person_name import PersonNameError, person_name

SERVE_TOKEN = "CVZMPI_SERVE_TOKEN"
"""Environment variable with the token that every change through a server of ours needs."""

_MIN_LENGTH = 16
_NO_TOKEN = f"the service was started without {SERVE_TOKEN}: nothing can be changed"

_FREE, _LONGEST, _FORGOTTEN_AFTER, _MAX_CLIENTS = 3, 300.0, 3600.0, 10_000  # see `WrongTokens`


class Access:
    """Checks of the token, and of the sessions of people who signed in with it.

    Parameters
    ----------
    token : str
        "" allows no changes.

    Raises
    ------
    ConfigError
        If the token is short enough to be guessed.
    """

    def __init__(self, token: str) -> None:
        if token and len(token) < _MIN_LENGTH:
            raise ConfigError(f"{SERVE_TOKEN}: expected at least {_MIN_LENGTH} characters")
        self._token = token
        self._wrong_tokens = WrongTokens()

    @classmethod
    def of_environment(cls) -> Access:
        """The access with the token that the environment has, if any.

        Raises
        ------
        ConfigError
            If the token is short enough to be guessed.
        """
        return cls(os.environ.get(SERVE_TOKEN, "").strip())

    @property
    def allows_changes(self) -> bool:
        """False if nobody can sign in, as there is no token."""
        return bool(self._token)

    def session_key(self) -> bytes:
        """The key that signs sessions; they become invalid when the token changes."""
        token = self._token or secrets.token_hex()
        return hmac.digest(token.encode(), b"cvzmpi sessions", hashlib.sha256)

    def sign_in(self, request: Request) -> None:
        """Begin the session of a person.

        Raises
        ------
        Forbidden
            If the token or the name is wrong.
        TooManyRequests
            If the client has to wait.
        """
        self._check(request, request.form.get("token", ""))
        try:
            name = person_name(request.form.get("name", ""))
        except PersonNameError as error:
            raise Forbidden(f"to sign in, say who you are: {error}") from error
        session.clear()
        session.permanent = True  # for the application's lifetime of sessions
        session["name"] = name
        session["form_key"] = secrets.token_hex()

    def check_program(self, request: Request) -> None:
        """Refuse a request of a program without the token.

        Raises
        ------
        Unauthorized, Forbidden, TooManyRequests
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("expected the header Authorization: Bearer TOKEN")
        self._check(request, token.strip())

    def check_form(self, request: Request) -> str:
        """Refuse a form that was not sent from a session; returns the name of the person.

        Raises
        ------
        Unauthorized, Forbidden
        """
        if "name" not in session:
            raise Unauthorized("sign in first")
        if not _same(request.form.get("form_key", ""), session["form_key"]):
            raise Forbidden("this form is none of your session: load the page again")
        return str(session["name"])

    def _check(self, request: Request, token: str) -> None:
        if not self._token:
            raise Forbidden(_NO_TOKEN)
        client = request.remote_addr or ""
        if seconds := self._wrong_tokens.seconds_to_wait(client):
            raise TooManyRequests(f"too many wrong tokens: wait {seconds} s", retry_after=seconds)
        if not _same(token, self._token):
            self._wrong_tokens.wrong(client)
            raise Forbidden("this is not the token")
        self._wrong_tokens.right(client)


class Sessions(SecureCookieSessionInterface):
    """Sessions whose cookie is sent over TLS alone, if it was set over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """True if the browser uses TLS, also to a web server in front that says so in a header.

        A client that sends the header without TLS gets a cookie that its browser does not send.
        """
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"


def _same(given: str, secret: str) -> bool:
    """True if two texts are the same, in a time that does not depend on where they differ."""
    return secrets.compare_digest(given.encode(errors="replace"), secret.encode())


@dataclass
class _Client:
    n_wrong: int = 0
    free_at: float = 0.0


class WrongTokens:
    """Counts wrong tokens by client address.

    Three are free; after each further one the client has to wait, 1 s at first, then twice as long
    each time, up to 5 minutes. A right token, or an hour without a wrong one, resets the count. Of
    more than 10,000 addresses, those with the oldest wrong token are forgotten.

    Parameters
    ----------
    clock : callable
        Returns the time in seconds, from any origin.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._clients: OrderedDict[str, _Client] = OrderedDict()
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> int:
        """Seconds until another token of an address is checked."""
        with self._lock:
            client = self._clients.get(client_network(address))
            return 0 if client is None else max(math.ceil(client.free_at - self._clock()), 0)

    def wrong(self, address: str) -> None:
        """Count a wrong token of an address."""
        now = self._clock()
        with self._lock:
            client = self._clients.pop(client_network(address), None)
            if client is None or now - client.free_at > _FORGOTTEN_AFTER:
                client = _Client()
            client.n_wrong += 1
            doublings = min(client.n_wrong - _FREE - 1, 10)
            pause = 0.0 if client.n_wrong <= _FREE else min(2.0**doublings, _LONGEST)
            client.free_at = now + pause
            self._clients[client_network(address)] = client
            if len(self._clients) > _MAX_CLIENTS:
                self._clients.popitem(last=False)

    def right(self, address: str) -> None:
        """Forget the wrong tokens of an address."""
        with self._lock:
            self._clients.pop(client_network(address), None)
