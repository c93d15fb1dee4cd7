"""Who may change something: whoever knows the token.

Programs send it in the header `Authorization: Bearer ...`. People sign in once with it and their
name; from then on a signed cookie says who they are, and every form carries a key of their session,
so that no other page can send it for them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Request, session
from werkzeug.exceptions import Forbidden, Unauthorized

from cvzmpi.errors import ConfigError
from cvzmpi.level2.configuration import SERVE_TOKEN

_MIN_LENGTH = 16
_NO_TOKEN = f"the service was started without {SERVE_TOKEN}: nothing can be changed"


class Access:
    """What the token opens.

    Parameters
    ----------
    token : str
        "" lets nobody change anything.

    Raises
    ------
    ConfigError
        If the token is short enough to be guessed.
    """

    def __init__(self, token: str) -> None:
        if token and len(token) < _MIN_LENGTH:
            raise ConfigError(f"{SERVE_TOKEN}: expected at least {_MIN_LENGTH} characters")
        self._token = token

    def session_key(self) -> bytes:
        """The key that sessions are signed with: they end with the token."""
        token = self._token or secrets.token_hex()
        return hmac.digest(token.encode(), b"cvzmpi level2 sessions", hashlib.sha256)

    def sign_in(self, name: str, token: str) -> None:
        """Remember who this is.

        Raises
        ------
        Forbidden
            If it is not the token, or there is no name.
        """
        self._check(token)
        name = " ".join(name.split())
        if not name:
            raise Forbidden("to sign in, say who you are")
        session.clear()
        session["name"] = name
        session["form_key"] = secrets.token_hex()

    def check_program(self, request: Request) -> None:
        """Refuse a request of a program without the token.

        Raises
        ------
        Unauthorized, Forbidden
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized("expected the header Authorization: Bearer TOKEN")
        self._check(token.strip())

    def check_form(self, request: Request) -> str:
        """Refuse a form that nobody who is signed in has sent; who it was.

        Raises
        ------
        Unauthorized, Forbidden
        """
        if "name" not in session:
            raise Unauthorized("sign in first")
        if not secrets.compare_digest(request.form.get("form_key", ""), session["form_key"]):
            raise Forbidden("this form is none of your session: load the page again")
        return str(session["name"])

    def _check(self, token: str) -> None:
        if not self._token:
            raise Forbidden(_NO_TOKEN)
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            raise Forbidden("this is not the token")
