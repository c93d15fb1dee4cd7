"""The pages and the JSON of the programs, beside those of every campaign."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.routing import PathConverter

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.app import OwnPages, answer_error
from cvzmpi.dashboard.app import create_app as create_dashboard
from cvzmpi.dashboard.changes import by_of, read_body
from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Job
from cvzmpi.ledger.failures import Chosen, Retried, choose, failures
from cvzmpi.level2.programs import reservation
from cvzmpi.level2.programs.retry import reopen, retry
from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.service.map_pages import add_map_pages
from cvzmpi.level2.service.program_maps import maps_of_program
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.settings import STEP_NAME
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.programs import Item, UnknownProgramError, list_items, program_view

Action = Callable[[str, str], object]
"""A change of a program; takes its name and the name of the person."""


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
    own = Blueprint(
        "level2",
        __name__,
        template_folder="templates",
        static_folder="assets",
        static_url_path="/assets/level2",
    )
    own.add_app_template_filter(_shown, "shown")
    _add_pages(own, steps, rounds)
    _add_json(own, steps, rounds)
    add_map_pages(own, steps)
    _add_changes(own, _actions(steps, job), access)
    own.register_error_handler(UnknownProgramError, lambda error: answer_error(404, str(error)))
    pages = OwnPages(own, "level2.index", [("level2.index", "Programs")], "level2.program")
    return create_dashboard(_served(steps, job), access, pages, {"program": _ProgramName})


def _served(steps: Level2Steps, job: Job) -> ServedCampaign:
    config = steps.config
    return ServedCampaign(
        title="Level 2",
        unit_name="program",
        step_name=STEP_NAME,
        location=steps.ledger.database.location,
        outboxes=config.outboxes(),
        lease=config.ledger.lease,
        retry=lambda chosen, by: _retry(steps, job, chosen, by),
    )


def _retry(steps: Level2Steps, job: Job, chosen: Chosen, by: str) -> Retried:
    """Let programs in error go on from where they failed."""
    failed = failures(steps.ledger)
    meant = choose(steps.ledger, failed, chosen)
    for failure in meant:
        retry(steps.catalogue, job, failure.unit.name, by)
    return Retried(len(meant), len(failed))


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


def _add_pages(own: Blueprint, steps: Level2Steps, rounds: Rounds) -> None:
    @own.get("/")
    def index() -> str:
        return render_template(
            "level2/index.html",
            items=_items(steps),
            states=list(dict.fromkeys(SHOWN.values())),
            reports=rounds.reports,
            asked=request.args,
        )

    @own.get("/programs/<program:name>")
    def program(name: str) -> str:
        return render_template(
            "level2/program.html",
            view=program_view(steps.catalogue, name),
            maps=maps_of_program(steps, name),
        )


def _add_json(own: Blueprint, steps: Level2Steps, rounds: Rounds) -> None:
    @own.get("/api/programs")
    def programs_json() -> Response:
        return jsonify([item.as_json() for item in _items(steps)])

    @own.get("/api/programs/<program:name>")
    def program_json(name: str) -> Response:
        return jsonify(program_view(steps.catalogue, name).as_json())

    @own.get("/api/steps")
    def steps_json() -> Response:
        return jsonify([report.as_json() for report in rounds.reports])


def _add_changes(own: Blueprint, actions: dict[str, Action], access: Access) -> None:
    @own.post(f"/programs/<program:name>/<any({','.join(actions)}):action>")
    def change(name: str, action: str) -> Any:
        by = access.check_form(request)
        try:
            actions[action](name, by)
        except CvzmpiError as error:
            flash(str(error))
        return redirect(url_for("level2.program", name=name))

    @own.post(f"/api/programs/<program:name>/<any({','.join(actions)}):action>")
    def change_json(name: str, action: str) -> Response:
        access.check_program(request)
        actions[action](name, by_of(read_body(request.get_data())))
        return jsonify({"program": name, "done": action})


def _shown(value: Any) -> str:
    """The value of a finding, as text in a table."""
    if isinstance(value, dict):  # a distribution
        value = value.get("med")
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:.5g}"
    return "not given" if value is None else str(value)
