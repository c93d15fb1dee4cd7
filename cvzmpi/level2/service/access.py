"""Permission to change something: it needs the token.

Programs send the token in the header `Authorization: Bearer ...`. People sign in with it and their
name; then a signed cookie identifies them for twelve hours, and every form contains a key of their
session, so that no other page can send it for them. After wrong tokens, a client has to wait.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from cvzmpi.errors import ConfigError
from cvzmpi.level2.configuration import SERVE_TOKEN
from cvzmpi.level2.programs.person_name import PersonNameError, person_name
from cvzmpi.level2.service.wrong_tokens import WrongTokens

_MIN_LENGTH = 16
_NO_TOKEN = f"the service was started without {SERVE_TOKEN}: nothing can be changed"


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

    def session_key(self) -> bytes:
        """The key that signs sessions; they become invalid when the token changes."""
        token = self._token or secrets.token_hex()
        return hmac.digest(token.encode(), b"cvzmpi level2 sessions", hashlib.sha256)

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
        """Whether the browser uses TLS, also to a web server in front that says so in a header.

        A client that sends the header without TLS gets a cookie that its browser does not send.
        """
        return request.is_secure or request.headers.get("X-Forwarded-Proto") == "https"


def _same(given: str, secret: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ."""
    return secrets.compare_digest(given.encode(errors="replace"), secret.encode())
