"""The pages of programs, proposals, inversions and reservations, and the same as JSON."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from cvzmpi.level2.programs.states import SHOWN
from cvzmpi.level2.service.kept_pages import KeptPages
from cvzmpi.level2.service.program_maps import maps_of_program
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.service.transfer_state import transfer_state
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.datasets import dataset_history, dataset_json
from cvzmpi.level2.views.inversions import inversion_json
from cvzmpi.level2.views.programs import Item, ProgramView, list_items, program_view
from cvzmpi.level2.views.proposals import by_proposal
from cvzmpi.level2.views.reservations import Reserved, by_person
from cvzmpi.level2.views.states import INVERSION_STATES, PROGRAM_STATES, inversion_state
from cvzmpi.web.chart import SCRIPTS, STYLES

_MOST_OPEN = 40
"""Programs of a list whose groups are open at first."""

_MOST_WHOLE = 500
"""Programs of a list that are all in the page; of more, the page has the proposals."""

_LONGEST = 200
"""Characters of a text that is searched for; no name is longer."""


def add_program_pages(own: Blueprint, steps: Level2Steps, rounds: Rounds) -> None:
    """Add the pages to a blueprint."""
    catalogue = steps.catalogue
    kept = KeptPages(catalogue, lambda: rounds.reports)

    @own.get("/")
    def index() -> Any:
        return kept.answer(list_page)

    def list_page() -> str:
        items = _items(steps)
        return render_template(
            "level2/index.html",
            proposals=by_proposal(items, catalogue.experiments()),
            n_programs=len(items),
            is_open=len(items) <= _MOST_OPEN,
            is_whole=len(items) <= _MOST_WHOLE or bool(asked("proposal")),
            people=by_person(items, catalogue.reserved_since()),
            states=list(dict.fromkeys(SHOWN.values())),
            reports=rounds.reports,
            asked={key: asked(key) or "" for key in _FILTERS},
        )

    @own.get("/programs/<program:name>")
    def program(name: str) -> str:
        view = program_view(catalogue, name)
        return render_template(
            "level2/program.html",
            view=view,
            maps=maps_of_program(steps, name),
            inversion_state=inversion_state,
            transfers=transfers(steps, view),
            chart_scripts=SCRIPTS,
            chart_styles=STYLES,
        )

    @own.get("/datasets/<program:name>")
    def dataset(name: str) -> str:
        versions = dataset_history(catalogue, name)
        return render_template("level2/dataset.html", name=name, versions=versions)

    @own.get("/inversions")
    def inversions() -> str:
        views = catalogue.inversion_views()[::-1]  # the newest first
        return render_template(
            "level2/inversions.html", views=views, inversion_state=inversion_state
        )

    @own.get("/reservations")
    def reservations() -> str:
        return render_template("level2/reservations.html", people=_people(steps))

    @own.get("/states")
    def states() -> str:
        return render_template(
            "level2/states.html", of_programs=PROGRAM_STATES, of_inversions=INVERSION_STATES
        )


def add_program_json(own: Blueprint, steps: Level2Steps, rounds: Rounds) -> None:
    """Add the JSON of the pages to a blueprint."""
    catalogue = steps.catalogue
    kept = KeptPages(catalogue, lambda: None)

    @own.get("/api/programs")
    def programs_json() -> Any:
        return kept.answer(lambda: jsonify([item.as_json() for item in _items(steps)]))

    @own.get("/api/programs/<program:name>")
    def program_json(name: str) -> Response:
        view = program_view(catalogue, name)
        told, ways = view.as_json(), transfers(steps, view)
        for inversion in told["inversions"]:
            inversion["transfer"] = ways[inversion["inversion_id"]]
        return jsonify(told)

    @own.get("/api/proposals")
    def proposals_json() -> Any:
        return kept.answer(proposals)

    def proposals() -> Response:
        groups = by_proposal(_items(steps), catalogue.experiments())
        return jsonify([group.as_json() for group in groups])

    @own.get("/api/datasets/<program:name>")
    def dataset_json_of(name: str) -> Response:
        return jsonify(dataset_json(dataset_history(catalogue, name)))

    @own.get("/api/inversions")
    def inversions_json() -> Response:
        return jsonify([inversion_json(view) for view in catalogue.inversion_views()])

    @own.get("/api/reservations")
    def reservations_json() -> Response:
        people = _people(steps)
        return jsonify({name: [one.as_json() for one in had] for name, had in people.items()})

    @own.get("/api/states")
    def states_json() -> Response:
        return jsonify(
            {
                "programs": [state.as_json() for state in PROGRAM_STATES],
                "inversions": [state.as_json() for state in INVERSION_STATES],
            }
        )

    @own.get("/api/steps")
    def steps_json() -> Response:
        return jsonify([report.as_json() for report in rounds.reports])


_FILTERS = ("state", "proposal", "by", "text")


def asked(key: str) -> str | None:
    """A text that the request asks for, cut to the length that any name has."""
    text = request.args.get(key)
    return text if text is None else text[:_LONGEST]


def transfers(steps: Level2Steps, view: ProgramView) -> dict[str, str]:
    """The way of the files of each inversion of a program, in words, by inversion id."""
    return {
        one.inversion.inversion_id: transfer_state(
            one, view.history, steps.config.publish, view.item.embargo
        )
        for one in view.inversions
    }


def _people(steps: Level2Steps) -> dict[str, list[Reserved]]:
    """Who has what."""
    return by_person(list_items(steps.catalogue), steps.catalogue.reserved_since())


def _items(steps: Level2Steps) -> list[Item]:
    """The programs that match the filter of the request."""
    return list_items(
        steps.catalogue,
        state=asked("state"),
        proposal=asked("proposal"),
        claimed_by=asked("by"),
        text=asked("text"),
    )
