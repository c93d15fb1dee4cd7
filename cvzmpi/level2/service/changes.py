"""What people change: reservations, what failed, notes, and inversions that they withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, request, url_for
from werkzeug.exceptions import BadRequest

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.changes import by_of, read_body
from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger import Job
from cvzmpi.level2.programs import reservation
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.remarks import add_note, withdraw
from cvzmpi.level2.programs.retry import reopen, retry
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.inversions import known_inversion
from cvzmpi.level2.views.programs import program_view

Action = Callable[[str, str], object]
"""A change of a program; takes its name and the name of the person."""

Remark = Callable[[str, str, str], object]
"""A remark about an inversion; takes its id, the text and the name of the person."""


def add_changes(own: Blueprint, steps: Level2Steps, job: Job, access: Access) -> None:
    """Add the addresses of changes to a blueprint: for forms of the pages, and for programs.

    Parameters
    ----------
    job : Job
        Records the changes.
    """
    _add_actions(own, _actions(steps, job), access)
    _add_notes_of_programs(own, steps.catalogue, access)
    _add_remarks(own, steps.catalogue, _remarks(steps, job), access)


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


def _remarks(steps: Level2Steps, job: Job) -> dict[str, Remark]:
    catalogue = steps.catalogue
    return {
        "note": lambda inversion_id, text, by: add_note(catalogue, inversion_id, text, by),
        "withdraw": lambda inversion_id, text, by: withdraw(catalogue, job, inversion_id, by, text),
    }


def _add_actions(own: Blueprint, actions: dict[str, Action], access: Access) -> None:
    @own.post(f"/programs/<program:name>/<any({','.join(actions)}):action>")
    def change(name: str, action: str) -> Any:
        by = access.check_form(request)
        return _change_and_show(name, lambda: actions[action](name, by))

    @own.post(f"/api/programs/<program:name>/<any({','.join(actions)}):action>")
    def change_json(name: str, action: str) -> Response:
        access.check_program(request)
        actions[action](name, by_of(read_body(request.get_data())))
        return jsonify({"program": name, "done": action})


def _add_notes_of_programs(own: Blueprint, catalogue: Catalogue, access: Access) -> None:
    @own.post("/programs/<program:name>/note")
    def note_program(name: str) -> Any:
        by = access.check_form(request)
        program_view(catalogue, name)  # refuses a program that there is not
        text = request.form.get("text", "")
        return _change_and_show(name, lambda: add_note(catalogue, name, text, by))

    @own.post("/api/programs/<program:name>/note")
    def note_program_json(name: str) -> Response:
        access.check_program(request)
        program_view(catalogue, name)
        body = read_body(request.get_data())
        add_note(catalogue, name, _text(body, "text"), by_of(body))
        return jsonify({"program": name, "done": "note"})


def _add_remarks(
    own: Blueprint, catalogue: Catalogue, remarks: dict[str, Remark], access: Access
) -> None:
    @own.post(f"/inversions/<inversion_id>/<any({','.join(remarks)}):action>")
    def remark(inversion_id: str, action: str) -> Any:
        by = access.check_form(request)
        program = known_inversion(catalogue, inversion_id).program
        text = request.form.get("text", "")
        return _change_and_show(program, lambda: remarks[action](inversion_id, text, by))

    @own.post(f"/api/inversions/<inversion_id>/<any({','.join(remarks)}):action>")
    def remark_json(inversion_id: str, action: str) -> Response:
        access.check_program(request)
        known_inversion(catalogue, inversion_id)
        body = read_body(request.get_data())
        text = _text(body, "reason" if action == "withdraw" else "text")
        remarks[action](inversion_id, text, by_of(body))
        return jsonify({"inversion": inversion_id, "done": action})


def _change_and_show(program: str, change: Callable[[], object]) -> Any:
    """Change something, and show the page of its program, with the reason if it is refused."""
    try:
        change()
    except CvzmpiError as error:
        flash(str(error))
    return redirect(url_for("level2.program", name=program))


def _text(body: dict[str, Any], key: str) -> str:
    """A text of the JSON of a request.

    Raises
    ------
    BadRequest
        If it is none.
    """
    text = body.get(key)
    if not isinstance(text, str):
        raise BadRequest(f"{key}: expected a text")
    return text
