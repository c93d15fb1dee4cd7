"""What people change: they sign in, and retry what failed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, request, session, url_for
from werkzeug.exceptions import BadRequest

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.failures import Chosen
from cvzmpi.ledger.person_name import PersonNameError, person_name
from cvzmpi.messages.foreign_json import (
    ForeignJsonError,
    parse,
    why_not_storable,
    why_not_text,
)

_EXPECTED = 'expected JSON such as {"by": "Jane"}'


def add_changes(blueprint: Blueprint, campaign: ServedCampaign, access: Access, home: str) -> None:
    """Add what changes something to a blueprint; `home` is the endpoint of the first page."""

    @blueprint.post("/sign-in")
    def sign_in() -> Any:
        access.sign_in(request)
        return redirect(_page_before(home))

    @blueprint.post("/sign-out")
    def sign_out() -> Any:
        access.check_form(request)
        session.clear()
        return redirect(_page_before(home))

    @blueprint.post("/retry")
    def retry() -> Any:
        by = access.check_form(request)
        unit, like = request.form.get("unit"), request.form.get("like")
        if unit is None and like is None:
            raise BadRequest("expected the name of a unit")
        try:
            flash(str(campaign.retry(_chosen([unit] if unit else [], None, like), by)))
        except CvzmpiError as error:
            flash(str(error))
        return redirect(_page_before("dashboard.failures"))

    @blueprint.post("/api/retry")
    def retry_json() -> Response:
        access.check_program(request)
        body = read_body(request.get_data())
        units, message = body.get("units", []), body.get("message")
        if not (isinstance(units, list) and all(isinstance(unit, str) for unit in units)):
            raise BadRequest("units: expected a list of names")
        if not isinstance(message, str | None):
            raise BadRequest("message: expected a text")
        if bool(units) + (message is not None) + (body.get("all") is True) != 1:
            raise BadRequest('expected one of "units", "message", "all": true')
        retried = campaign.retry(_chosen(units, message, None), by_of(body))
        return jsonify({"retried": retried.n_retried, "failed": retried.n_failed})


def _chosen(units: list[str], message: str | None, like: str | None) -> Chosen:
    """A choice of which a database can be asked.

    Raises
    ------
    BadRequest
    """
    for text in (*units, message, like):
        if text is not None and (why := why_not_text(text)) is not None:
            raise BadRequest(why)
    return Chosen(units, message, like)


def _page_before(otherwise: str) -> str:
    """The page on which a form was sent, if it is one of ours; or else that of an endpoint."""
    page = request.form.get("page", "")
    is_ours = page.startswith("/") and page.isprintable() and not page.startswith(("//", "/\\"))
    return page if is_ours and len(page) < 2000 else url_for(otherwise)


def read_body(body: bytes) -> dict[str, Any]:
    """The JSON of a request; without a body, that of nothing.

    Raises
    ------
    BadRequest
        If it is no object of JSON, or nested too deeply, or has too many values.
    """
    if not body:
        return {}
    try:
        content = parse(body)
    except ForeignJsonError as error:
        raise BadRequest(f"{_EXPECTED}: {error}") from error
    if not isinstance(content, dict):
        raise BadRequest(_EXPECTED)
    if (why := why_not_storable(content)) is not None:
        raise BadRequest(f"{_EXPECTED}: {why}")
    return content


def by_of(body: dict[str, Any]) -> str:
    """The person that the JSON of a request names; "" if it names nobody.

    Raises
    ------
    BadRequest
        If it is no name.
    """
    try:
        return person_name(body["by"]) if "by" in body else ""
    except PersonNameError as error:
        raise BadRequest(f"by: {error}") from error
