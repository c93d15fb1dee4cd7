"""The pages and the JSON of the programs, beside those of every campaign."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask
from werkzeug.routing import PathConverter

from cvzmpi.dashboard.access import Access
from cvzmpi.dashboard.app import OwnPages, answer_error
from cvzmpi.dashboard.app import create_app as create_dashboard
from cvzmpi.dashboard.look.campaign import ServedCampaign
from cvzmpi.ledger import Job
from cvzmpi.ledger.failures import Chosen, Retried, choose, failures
from cvzmpi.level2.programs.retry import retry
from cvzmpi.level2.service.changes import add_changes
from cvzmpi.level2.service.map_pages import add_map_pages
from cvzmpi.level2.service.program_pages import add_program_json, add_program_pages
from cvzmpi.level2.service.quality_pages import add_quality_pages
from cvzmpi.level2.service.rounds import Rounds
from cvzmpi.level2.settings import STEP_NAME
from cvzmpi.level2.steps import Level2Steps
from cvzmpi.level2.views.datasets import UnknownDatasetError
from cvzmpi.level2.views.inversions import UnknownInversionError
from cvzmpi.level2.views.programs import UnknownProgramError

_LINKS = (
    ("level2.index", "Programs"),
    ("level2.inversions", "Inversions"),
    ("level2.reservations", "Reservations"),
    ("level2.quality_page", "Qualities"),
)
"""Endpoint and title of each page in the navigation."""


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
    own.add_app_template_filter(_in_words, "in_words")
    add_program_pages(own, steps, rounds)
    add_program_json(own, steps, rounds)
    add_map_pages(own, steps)
    add_quality_pages(own, steps.catalogue)
    add_changes(own, steps, job, access)
    for unknown in (UnknownProgramError, UnknownDatasetError, UnknownInversionError):
        own.register_error_handler(unknown, lambda error: answer_error(404, str(error)))
    pages = OwnPages(own, "level2.index", _LINKS, "level2.program")
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


def _shown(value: Any) -> str:
    """The value of a finding, as text in a table."""
    if isinstance(value, dict):  # a distribution
        value = value.get("med")
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, float):
        return f"{value:.5g}"
    return "not given" if value is None else str(value)


def _in_words(value: Any) -> str:
    """A value of a row of the metadata store, as text in a table."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_in_words(inside)}" for key, inside in value.items())
    if isinstance(value, list):
        return ", ".join(map(_in_words, value))
    return "-" if value is None else str(value)
