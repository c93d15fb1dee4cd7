"""The pages about a ledger. Each is whole without a script, which only brings it up to date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, send_from_directory, url_for

from cvzmpi.dashboard.look.look import Look
from cvzmpi.dashboard.parts.cells import Addresses, Parts, unit_rows
from cvzmpi.dashboard.parts.overview import overview_parts
from cvzmpi.dashboard.parts.results import disk_parts, failures_parts, results_parts, unit_parts
from cvzmpi.errors import CvzmpiError
from cvzmpi.ledger.db.stored_values import as_instant
from cvzmpi.ledger.records import LedgerUnit
from cvzmpi.ledger.states import State
from cvzmpi.ledger.status.browse import Page, Place, history_of, units_in, units_named
from cvzmpi.web.assets import ASSETS
from cvzmpi.web.chart import SCRIPTS, STYLES

PAGES = (
    ("dashboard.overview", "Overview"),
    ("dashboard.results", "Results"),
    ("dashboard.failures", "Failures"),
    ("dashboard.units", "Units"),
    ("dashboard.disk", "Disk"),
)
"""Endpoint and title of each page in the navigation."""

LIVE: dict[str, Callable[[Look, Addresses], Parts]] = {
    "overview": overview_parts,
    "results": results_parts,
    "failures": failures_parts,
    "disk": disk_parts,
}
"""The pages that are brought up to date, and what makes their parts."""

_OWN_ASSETS = Path(__file__).parent / "assets"
_LONGEST_NAME = 1000  # of a unit that is asked for


class UnknownUnitError(CvzmpiError):
    """There is no such unit in the ledger."""


def addresses() -> Addresses:
    """The addresses of this application."""
    return Addresses(
        lambda name: url_for("dashboard.unit", name=name),
        lambda state: url_for("dashboard.units", state=state),
    )


def add_pages(blueprint: Blueprint, look: Look, *, is_home: bool) -> None:
    """Add the pages to a blueprint; with `is_home`, the overview also at the address `/`."""

    def overview() -> str:
        return render_template(
            "dashboard/overview.html",
            parts=overview_parts(look, addresses()),
            chart_scripts=SCRIPTS,
            chart_styles=STYLES,
        )

    blueprint.add_url_rule("/overview", view_func=overview)
    if is_home:
        blueprint.add_url_rule("/", endpoint="home", view_func=overview)

    @blueprint.get("/results")
    def results() -> str:
        return render_template("dashboard/results.html", parts=results_parts(look, addresses()))

    @blueprint.get("/failures")
    def failures() -> str:
        return render_template("dashboard/failures.html", parts=failures_parts(look, addresses()))

    @blueprint.get("/disk")
    def disk() -> str:
        return render_template("dashboard/disk.html", parts=disk_parts(look, addresses()))

    @blueprint.get("/units")
    def units() -> str:
        return _units_page(look)

    @blueprint.get("/unit")
    def unit() -> str:
        found, parts = unit_and_parts(look)
        return render_template("dashboard/unit.html", unit=found, parts=parts)

    @blueprint.get("/assets/<any(web, dashboard):which>/<path:name>")
    def asset(which: str, name: str) -> Response:
        if "\0" in name:
            abort(404)
        return send_from_directory(ASSETS if which == "web" else _OWN_ASSETS, name)


def unit_and_parts(look: Look) -> tuple[LedgerUnit, Parts]:
    """The unit that the request names, and the parts of its page.

    Raises
    ------
    UnknownUnitError
    LedgerError
    """
    name = asked_text("name")
    with look.snapshot() as seen:
        found = history_of(seen, name) if name else None
    if found is None:
        raise UnknownUnitError(f"{name[:100]}: no such unit in the ledger")
    return found[0], unit_parts(*found)


def asked_text(key: str) -> str:
    """A value of the request that a database can be asked for; "" where it is none."""
    text = request.args.get(key, "")
    storable = "\0" not in text and len(text) <= _LONGEST_NAME
    return text if storable and text == text.encode(errors="replace").decode() else ""


def _units_page(look: Look) -> str:
    """The units that the request asks for, by the beginning of their names or by their state."""
    beginning = asked_text("q").strip()
    state = next((s for s in State if s.value == request.args.get("state")), None)
    following: dict[str, Any] | None = None
    with look.snapshot() as seen:
        if beginning:
            page = units_named(seen, beginning)
        elif state is not None:
            page = units_in(seen, state, _place())
            if page.last is not None:
                last = page.last
                following = {
                    "state": state.value,
                    "since": last.since.isoformat(),
                    "after": last.unit,
                }
        else:
            page = Page([], None)
    return render_template(
        "dashboard/units.html",
        rows=unit_rows(page.units, addresses()),
        has_more=page.last is not None,
        following=following,
        states=[s.value for s in State],
        counts=look.status().counts,
        asked_state=state,
        beginning=beginning,
    )


def _place() -> Place | None:
    """The place of the page before, as the request gives it; None for the first page."""
    since, after = request.args.get("since", ""), asked_text("after")
    try:
        return Place(as_instant(datetime.fromisoformat(since)), after) if since and after else None
    except (CvzmpiError, ValueError):
        abort(400, "since: expected an instant, as 2026-01-31T12:00:00+00:00")
