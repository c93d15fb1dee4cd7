"""Histograms of the qualities of the data: over all programs, and with one of them marked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.service.kept_pages import KeptPages
from cvzmpi.level2.views.programs import program_view
from cvzmpi.level2.views.qualities import QUALITIES, qualities, quality_charts
from cvzmpi.web.chart import SCRIPTS, STYLES, charts_script


def add_quality_pages(own: Blueprint, catalogue: Catalogue) -> None:
    """Add the page, the scripts of its charts, and their values as JSON."""
    kept = KeptPages(catalogue, lambda: None)

    @own.get("/qualities")
    def quality_page() -> str:
        return render_template(
            "level2/qualities.html",
            qualities=QUALITIES,
            chart_scripts=SCRIPTS,
            chart_styles=STYLES,
        )

    @own.get("/qualities.js")
    def quality_script() -> Any:
        return kept.answer(lambda: _script(catalogue))

    @own.get("/programs/<program:name>/qualities.js")
    def program_quality_script(name: str) -> Any:
        program_view(catalogue, name)  # refuses a program that there is not
        return kept.answer(lambda: _script(catalogue, name))

    @own.get("/api/qualities")
    def qualities_json() -> Response:
        return jsonify(qualities(catalogue.programs().values()))


def _script(catalogue: Catalogue, program: str = "") -> Response:
    charts = quality_charts(qualities(catalogue.programs().values()), program)
    return Response(charts_script(charts), content_type="text/javascript; charset=utf-8")
