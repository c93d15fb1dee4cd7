"""The application: pages and JSON about the ledger, and pages that a campaign has of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from cvzmpi.dashboard.access import Access, Sessions
from cvzmpi.dashboard.changes import add_changes
from cvzmpi.dashboard.data import add_data
from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.pages import PAGES, UnknownUnitError, add_pages
from cvzmpi.errors import CvzmpiError, LedgerError, LedgerUnavailableError

MAX_BODY = 1 << 20
"""Bytes of a request."""

_SESSION = timedelta(hours=12)

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True)
class OwnPages:
    """Pages of a campaign beside those of every campaign.

    Attributes
    ----------
    home : str
        Endpoint of the page at the address `/`.
    links : sequence
        Endpoint and title of each page in the navigation, in front of the others.
    unit : str
        Endpoint of the page of a unit, which takes its `name`.
    """

    blueprint: Blueprint
    home: str
    links: Sequence[tuple[str, str]]
    unit: str


def create_app(
    campaign: ServedCampaign,
    access: Access,
    own: OwnPages | None = None,
    converters: dict[str, Any] | None = None,
) -> Flask:
    """Make the application.

    Parameters
    ----------
    own : OwnPages, optional
        Without it, the overview is at the address `/` as well.
    converters : dict, optional
        Of the addresses of the own pages; see `Flask.url_map`.
    """
    app = Flask(__name__, static_folder=None)
    app.secret_key = access.session_key()
    app.session_interface = Sessions()
    app.url_map.merge_slashes = False  # a name may have two slashes in a row
    app.url_map.converters.update(converters or {})
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=_SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MAX_BODY,
    )
    look = Look(campaign)
    home = "dashboard.overview" if own is None else own.home
    dashboard = Blueprint("dashboard", __name__, template_folder="templates")
    add_pages(dashboard, look, is_home=own is None)
    add_data(dashboard, look)
    add_changes(dashboard, campaign, access, home)
    app.register_blueprint(dashboard)
    if own is not None:
        app.register_blueprint(own.blueprint)
    _add_errors(app)

    @app.context_processor
    def _of_every_page() -> dict[str, Any]:
        return {
            "campaign": campaign,
            "home": home,
            "links": [*(own.links if own else ()), *PAGES],
            "own_unit": own.unit if own else "",
            "allows_changes": access.allows_changes,
        }

    @app.after_request
    def _secure(response: Response) -> Response:
        response.headers.update(_SECURITY)
        if request.endpoint != "dashboard.asset":
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _add_errors(app: Flask) -> None:
    @app.errorhandler(CvzmpiError)
    def refused(error: CvzmpiError) -> Any:
        if isinstance(error, UnknownUnitError):
            return answer_error(404, str(error))
        # to read it, what is wrong with the ledger has to be put right first, by somebody else
        is_away = isinstance(error, LedgerUnavailableError) or (
            isinstance(error, LedgerError) and request.method in {"GET", "HEAD"}
        )
        return answer_error(503 if is_away else 409, str(error))

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Any:
        answer, status = answer_error(error.code or 500, error.description or error.name)
        answer = make_response(answer, status)
        for name, value in error.get_headers():  # such as Allow and Retry-After
            if name not in {"Content-Type", "Content-Length"}:
                answer.headers[name] = value
        return answer


def answer_error(status: int, message: str) -> Any:
    """An error: JSON for a program, a page for people."""
    if request.path.startswith("/api/"):
        return jsonify({"error": message}), status
    return render_template("dashboard/error.html", status=status, message=message), status
