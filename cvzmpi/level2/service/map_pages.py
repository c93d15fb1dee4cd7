"""The pages of maps: thumbnails, all quantities of a map, and the profiles of its pixels."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, jsonify, render_template, request
from werkzeug.exceptions import BadRequest, Gone, NotFound

from cvzmpi.level2.service.kept_pictures import KeptPictures
from cvzmpi.level2.service.program_maps import ProgramMap, maps_of_program
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.programs import program_view
from cvzmpi.web.chart import SCRIPTS, STYLES


def add_map_pages(own: Blueprint, steps: Level2Steps) -> None:
    """Add the pages of maps to those of the programs.

    The template of the thumbnails, which the page of a program includes, gets the `maps` from
    `maps_of_program`.
    """
    kept = KeptPictures()
    _add_page(own, steps, kept)
    _add_images(own, steps, kept)
    _add_json(own, steps, kept)


def _add_page(own: Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    @own.get("/programs/<program:name>/maps/<map_id>")
    def map_page(name: str, map_id: str) -> str:
        shown, file = _map(steps, name, map_id)
        return render_template(
            "level2/map.html",
            program=name,
            map=shown,
            file=file,
            facts=kept.pictures(file, shown.prepared_file)["facts"],
            chart_scripts=SCRIPTS,
            chart_styles=STYLES,
        )


def _add_images(own: Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    kinds = "any(images, thumbnails, scales)"

    @own.get(f"/programs/<program:name>/maps/<map_id>/<{kinds}:kind>/<quantity>.png")
    def map_image(name: str, map_id: str, kind: str, quantity: str) -> Response:
        shown, file = _map(steps, name, map_id)
        images = kept.pictures(file, shown.prepared_file)[kind]
        if quantity not in images:
            raise NotFound(f"{map_id}: has no quantity {quantity[:100]}")
        return Response(images[quantity], mimetype="image/png")

    @own.get("/programs/<program:name>/maps/<map_id>/picture.png")
    def map_picture(name: str, map_id: str) -> Response:
        shown, file = _map(steps, name, map_id)
        return Response(kept.whole_picture(file, shown.prepared_file), mimetype="image/png")


def _add_json(own: Blueprint, steps: Level2Steps, kept: KeptPictures) -> None:
    @own.get("/api/programs/<program:name>/maps")
    def maps_json(name: str) -> Response:
        program_view(steps.catalogue, name)  # refuses a program that there is not
        maps = maps_of_program(steps, name)
        return jsonify(
            [
                {"map": one.name, "what": one.what, "file": one.file and str(one.file)}
                for one in maps
            ]
        )

    @own.get("/api/programs/<program:name>/maps/<map_id>")
    def map_json(name: str, map_id: str) -> Response:
        shown, file = _map(steps, name, map_id)
        return jsonify(kept.pictures(file, shown.prepared_file)["facts"])

    @own.get("/api/programs/<program:name>/maps/<map_id>/pixel")
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
