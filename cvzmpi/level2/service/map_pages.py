"""The pages of maps: thumbnails, all quantities of a map, and the profiles of its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, render_template, request, send_from_directory
from werkzeug.exceptions import BadRequest, Gone, NotFound

from cvzmpi.level2.programs.views import program_view
from cvzmpi.level2.service.kept_pictures import KeptPictures
from cvzmpi.level2.service.program_maps import ProgramMap, maps_of_program
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.web.assets import ASSETS

THUMBNAILS = ("continuum", "field_strength", "inclination", "velocity")
"""The quantities of the thumbnails of an inverted map."""

_OWN_ASSETS = Path(__file__).parent / "static"


def add_map_pages(pages: Flask | Blueprint, steps: Level2Steps) -> None:
    """Add the pages; addresses are made from endpoints of the same application or blueprint.

    The template `thumbnails.html`, which the page of a program includes, needs the `maps` of the
    program: the function `maps_of(name)` gives them in every template.
    """
    kept = KeptPictures()
    _add_pages(pages, steps, kept)
    _add_images(pages, steps, kept)
    _add_json(pages, steps, kept)

    @pages.context_processor
    def _for_templates() -> dict[str, Any]:
        return {
            "maps_of": lambda program: maps_of_program(steps, program),
            "thumbnail_names": THUMBNAILS,
        }


def _add_pages(pages: Flask | Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    @pages.get("/programs/<program:name>/maps/<map_id>")
    def map_page(name: str, map_id: str) -> str:
        shown, file = _map(steps, name, map_id)
        facts = kept.pictures(file, shown.prepared_file)["facts"]
        return render_template("map.html", program=name, map=shown, file=file, facts=facts)

    @pages.get("/assets/maps/<path:file>")
    def map_asset(file: str) -> Response:
        directory = ASSETS if file.startswith("uplot/") else _OWN_ASSETS
        return send_from_directory(directory, file)


def _add_images(pages: Flask | Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    kinds = "any(images, thumbnails, scales)"

    @pages.get(f"/programs/<program:name>/maps/<map_id>/<{kinds}:kind>/<quantity>.png")
    def map_image(name: str, map_id: str, kind: str, quantity: str) -> Response:
        shown, file = _map(steps, name, map_id)
        images = kept.pictures(file, shown.prepared_file)[kind]
        if quantity not in images:
            raise NotFound(f"{map_id}: has no quantity {quantity[:100]}")
        return Response(images[quantity], mimetype="image/png")

    @pages.get("/programs/<program:name>/maps/<map_id>/picture.png")
    def map_picture(name: str, map_id: str) -> Response:
        shown, file = _map(steps, name, map_id)
        return Response(kept.whole_picture(file, shown.prepared_file), mimetype="image/png")


def _add_json(pages: Flask | Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    @pages.get("/api/programs/<program:name>/maps")
    def maps_json(name: str) -> Response:
        program_view(steps.catalogue, name)  # refuses a program that there is not
        maps = maps_of_program(steps, name)
        return jsonify(
            [
                {"map": one.name, "what": one.what, "file": one.file and str(one.file)}
                for one in maps
            ]
        )

    @pages.get("/api/programs/<program:name>/maps/<map_id>")
    def map_json(name: str, map_id: str) -> Response:
        shown, file = _map(steps, name, map_id)
        return jsonify(kept.pictures(file, shown.prepared_file)["facts"])

    @pages.get("/api/programs/<program:name>/maps/<map_id>/pixel")
    def pixel_json(name: str, map_id: str) -> Response:
        shown, file = _map(steps, name, map_id)
        x, y = _number("x"), _number("y")
        n_steps, n_slit = kept.pictures(file, shown.prepared_file)["facts"]["shape"]
        if x >= n_steps or y >= n_slit:
            raise NotFound(
                f"{map_id}: has no pixel {x},{y}, only 0,0 to {n_steps - 1},{n_slit - 1}"
            )
        return jsonify(kept.pixel(file, shown.prepared_file, x, y))


def _map(steps: Level2Steps, program: str, map_id: str) -> tuple[ProgramMap, Path]:
    """A map of a program, and its file.

    Raises
    ------
    UnknownProgramError
    NotFound
        If the program has no such map.
    Gone
        If its files have gone.
    """
    program_view(steps.catalogue, program)
    for one in maps_of_program(steps, program):
        if one.name == map_id:
            if one.file is None:
                raise Gone(one.gone)
            return one, one.file
    raise NotFound(f"{program}: has no map {map_id[:100]}")


def _number(name: str) -> int:
    """A number of the request, counted from 0.

    Raises
    ------
    BadRequest
    """
    text = request.args.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest(f"{name} = {text[:20]!r}: expected a number, counted from 0")
    return int(text)
