"""Who has which programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cvzmpi.level2.views.programs import Item


@dataclass(frozen=True)
class Reserved:
    """A program that somebody has reserved."""

    program: str
    proposal: str
    state: str  # as named in `states.SHOWN`
    since: datetime  # when it was reserved

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for JSON."""
        return {**asdict(self), "since": self.since.isoformat()}


def by_person(items: Iterable[Item], since: Mapping[str, datetime]) -> dict[str, list[Reserved]]:
    """The reserved programs by the name of the person, both in alphabetical order.

    Parameters
    ----------
    since : dict
        The times when programs were reserved, by program.
    """
    found: dict[str, list[Reserved]] = {}
    for item in sorted(items, key=_order):
        if item.claimed_by is not None and item.name in since:
            one = Reserved(item.name, item.proposal, item.state, since[item.name])
            found.setdefault(item.claimed_by, []).append(one)
    return found


def _order(item: Item) -> tuple[str, str]:
    return (item.claimed_by or "").casefold(), item.name
