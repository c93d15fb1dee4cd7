"""The pages and the JSON of the service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import (
    Flask,
    Response,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import PathConverter

from cvzmpi.errors import CvzmpiError, LedgerUnavailableError
from cvzmpi.ledger import Job
from cvzmpi.level2.foreign_json import ForeignJsonError, parse
from cvzmpi.level2.programs import reservation
from cvzmpi.level2.programs.reservation import PersonNameError, person_name
from cvzmpi.level2.programs.retry import reopen, retry
from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.programs.views import Item, UnknownProgramError, list_items, program_view
from cvzmpi.level2.service.access import Access, Sessions
from cvzmpi.level2.service.map_pages import add_map_pages
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.steps import Level2Steps

Action = Callable[[str, str], object]
"""A change of a program; takes its name and the name of the person."""

MAX_BODY = 1 << 20
"""Bytes of a request."""

_SESSION = timedelta(hours=12)
_EXPECTED_BODY = 'expected JSON such as {"by": "Jane"}'

_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _ProgramName(PathConverter):
    """The name of a program in an address; it may have slashes anywhere."""

    regex = ".+?"
    part_isolating = False


def create_app(steps: Level2Steps, job: Job, rounds: Rounds, access: Access) -> Flask:
    """Make the application.

    Parameters
    ----------
    job : Job
        Records the changes.
    """
    app = Flask(__name__)
    app.secret_key = access.session_key()
    app.session_interface = Sessions()
    app.url_map.merge_slashes = False  # a name may have two slashes in a row
    app.url_map.converters["program"] = _ProgramName
    app.config.update(
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=_SESSION,
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=MAX_BODY,
    )
    app.jinja_env.filters["shown"] = _shown
    _add_pages(app, steps, rounds)
    _add_json(app, steps, rounds)
    add_map_pages(app, steps)
    _add_changes(app, _actions(steps, job), access)
    _add_errors(app)

    @app.after_request
    def _secure(response: Response) -> Response:
        response.headers.update(_SECURITY)
        return response

    return app


def _actions(steps: Level2Steps, job: Job) -> dict[str, Action]:
    catalogue = steps.catalogue

    def reserve(program: str, by: str) -> None:
        reservation.reserve(catalogue, job, program, by)

    return {
        "reserve": reserve,
        "claim": reserve,  # its earlier name
        "release": lambda program, by: reservation.release(catalogue, job, program, by),
        "retry": lambda program, by: retry(catalogue, job, program, by),
        "reopen": lambda program, by: reopen(catalogue, job, program, by),
    }


def _items(steps: Level2Steps) -> list[Item]:
    """The programs that match the filter of the request."""
    return list_items(
        steps.catalogue,
        state=request.args.get("state"),
        proposal=request.args.get("proposal"),
        claimed_by=request.args.get("by"),
        text=request.args.get("text"),
    )


def _add_pages(app: Flask, steps: Level2Steps, rounds: Rounds) -> None:
    @app.get("/")
    def index() -> str:
        return render_template(
            "index.html",
            items=_items(steps),
            states=list(dict.fromkeys(SHOWN.values())),
            reports=rounds.reports,
            asked=request.args,
        )

    @app.get("/programs/<program:name>")
    def program(name: str) -> str:
        return render_template("program.html", view=program_view(steps.catalogue, name))


def _add_json(app: Flask, steps: Level2Steps, rounds: Rounds) -> None:
    @app.get("/api/programs")
    def programs_json() -> Response:
        return jsonify([item.as_json() for item in _items(steps)])

    @app.get("/api/programs/<program:name>")
    def program_json(name: str) -> Response:
        return jsonify(program_view(steps.catalogue, name).as_json())

    @app.get("/api/steps")
    def steps_json() -> Response:
        return jsonify([report.as_json() for report in rounds.reports])


def _add_changes(app: Flask, actions: dict[str, Action], access: Access) -> None:
    @app.post("/sign-in")
    def sign_in() -> Any:
        access.sign_in(request)
        return redirect(url_for("index"))

    @app.post("/sign-out")
    def sign_out() -> Any:
        access.check_form(request)
        session.clear()
        return redirect(url_for("index"))

    @app.post(f"/programs/<program:name>/<any({','.join(actions)}):action>")
    def change(name: str, action: str) -> Any:
        by = access.check_form(request)
        try:
            actions[action](name, by)
        except CvzmpiError as error:
            flash(str(error))
        return redirect(url_for("program", name=name))

    @app.post(f"/api/programs/<program:name>/<any({','.join(actions)}):action>")
    def change_json(name: str, action: str) -> Response:
        access.check_program(request)
        actions[action](name, _by())
        return jsonify({"program": name, "done": action})


def _by() -> str:
    """The person that the JSON of a request names; "" if it names nobody.

    Raises
    ------
    BadRequest
        If the body is something else.
    """
    body = request.get_data()
    if not body:
        return ""
    try:
        content = parse(body)
        if not isinstance(content, dict):
            raise BadRequest(_EXPECTED_BODY)
        return person_name(content["by"]) if "by" in content else ""
    except ForeignJsonError as error:
        raise BadRequest(f"{_EXPECTED_BODY}: {error}") from error
    except PersonNameError as error:
        raise BadRequest(f"by: {error}") from error


def _add_errors(app: Flask) -> None:
    @app.errorhandler(CvzmpiError)
    def refused(error: CvzmpiError) -> Any:
        if isinstance(error, UnknownProgramError):
            return _answer(404, str(error))
        return _answer(503 if isinstance(error, LedgerUnavailableError) else 409, str(error))

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Any:
        answer, status = _answer(error.code or 500, error.description or error.name)
        answer = make_response(answer, status)
        for name, value in error.get_headers():  # such as Allow and Retry-After
            if name not in {"Content-Type", "Content-Length"}:
                answer.headers[name] = value
        return answer


def _shown(value: Any) -> str:
    """The value of a finding, as text in a table."""
    if isinstance(value, dict):  # a distribution
        value = value.get("med")
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:.5g}"
    return "not given" if value is None else str(value)


def _answer(status: int, message: str) -> Any:
    """An error: JSON for a program, a page for people."""
    if request.path.startswith("/api/"):
        return jsonify({"error": message}), status
    return render_template("error.html", status=status, message=message), status
