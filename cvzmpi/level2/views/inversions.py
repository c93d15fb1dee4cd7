"""The inversions of programs as commands and pages show them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cvzmpi.errors import CvzmpiError
from cvzmpi.level2.programs.catalogue import Catalogue
from cvzmpi.level2.programs.inversions import Inversion, InversionView, Note
from cvzmpi.level2.views.states import inversion_state
from cvzmpi.messages.foreign_json import plain, why_not_text

_TIME = "%Y-%m-%d %H:%M"


class UnknownInversionError(CvzmpiError):
    """There is no such inversion."""


def known_inversion(catalogue: Catalogue, inversion_id: str) -> Inversion:
    """The inversion of an id, which may be any text.

    Raises
    ------
    UnknownInversionError
    """
    known = why_not_text(inversion_id) is None  # else no database can be asked for it
    inversion = catalogue.inversion(inversion_id) if known else None
    if inversion is None:
        raise UnknownInversionError(f"{plain(inversion_id, 200)}: no such inversion")
    return inversion


def inversion_json(view: InversionView) -> dict[str, Any]:
    """All that is known of an inversion, as plain values."""
    inversion, withdrawal = view.inversion, view.withdrawal
    return {
        **asdict(inversion),
        "at": inversion.at.isoformat(),
        "state": inversion_state(view),
        "commit": view.commit,
        "published": view.published and view.published.isoformat(),
        "withdrawal": withdrawal and {**asdict(withdrawal), "at": withdrawal.at.isoformat()},
        "notes": [note_json(note) for note in view.notes],
    }


def note_json(note: Note) -> dict[str, Any]:
    """A note as plain values."""
    return {**asdict(note), "at": note.at.isoformat()}
